// Command autoscaler is Knative Serving's multitenant autoscaler (the KPA), on the loopback address.
//
// It follows knative.dev/serving/cmd/autoscaler. The statistics server's address is a flag, since the original always takes :8080;
// one process owns all revisions, so there is no lease to wait for after a restart and no forwarding between autoscalers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	netcfg "knative.dev/networking/pkg/config"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
	filteredpodinformer "knative.dev/pkg/client/injection/kube/informers/core/v1/pod/filtered"
	filteredinformerfactory "knative.dev/pkg/client/injection/kube/informers/factory/filtered"
	configmap "knative.dev/pkg/configmap/informer"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/logging"
	k8sruntime "knative.dev/pkg/observability/runtime/k8s"
	"knative.dev/pkg/signals"
	"knative.dev/pkg/system"
	"knative.dev/serving/pkg/apis/serving"
	asmetrics "knative.dev/serving/pkg/autoscaler/metrics"
	"knative.dev/serving/pkg/autoscaler/scaling"
	"knative.dev/serving/pkg/autoscaler/statserver"
	"knative.dev/serving/pkg/observability/otel"
	"knative.dev/serving/pkg/reconciler/autoscaling/kpa"
	servingmetric "knative.dev/serving/pkg/reconciler/metric"
)

const (
	component   = "autoscaler"
	controllers = 2
	// Room for the statistics of one scrape of some hundred pods, as in the original.
	statBuffer = 1000
)

func main() {
	statsAddress := flag.String("stats-address", "127.0.0.1:8080", "The address that takes statistics from activators.")
	ctx := signals.NewContext()
	cfg := injection.ParseAndGetRESTConfigOrDie()
	if err := run(ctx, cfg, *statsAddress); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, cfg *rest.Config, statsAddress string) error {
	cfg.QPS = controllers * rest.DefaultQPS
	cfg.Burst = controllers * rest.DefaultBurst
	ctx = filteredinformerfactory.WithSelectors(ctx, serving.RevisionUID)
	ctx, informers := injection.Default.SetupInformers(ctx, cfg)

	logger, _ := sharedmain.SetupLoggerOrDie(ctx, component)
	defer func() { _ = logger.Sync() }()
	ctx = logging.WithLogger(ctx, logger)
	sharedmain.CheckK8sClientMinimumVersionOrDie(ctx, logger)
	meters, traces := otel.SetupObservabilityOrDie(ctx, component, logger, k8sruntime.NewProfilingServer(logger))
	defer func() {
		flushCtx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := errors.Join(meters.Shutdown(flushCtx), traces.Shutdown(flushCtx)); err != nil {
			logger.Errorw("Error flushing metrics and traces", zap.Error(err))
		}
	}()

	network, err := networkConfig(ctx)
	if err != nil {
		return err
	}
	pods := filteredpodinformer.Get(ctx, serving.RevisionUID).Lister()
	collector := asmetrics.NewMetricCollector(newScraper(pods, network, meters), logger)
	scaler := scaling.NewMultiScaler(ctx.Done(), newDecider(pods, collector, meters), logger)
	configMaps := configmap.NewInformedWatcher(kubeclient.Get(ctx), system.Namespace())
	reconcilers := []*controller.Impl{kpa.NewController(ctx, configMaps, scaler), servingmetric.NewController(ctx, configMaps, collector)}
	if err := configMaps.Start(ctx.Done()); err != nil {
		return fmt.Errorf("watching config maps: %w", err)
	}
	if err := controller.StartInformers(ctx.Done(), informers...); err != nil {
		return fmt.Errorf("starting informers: %w", err)
	}

	stats := make(chan asmetrics.StatMessage, statBuffer)
	server := statserver.New(statsAddress, stats, logger, func(string) bool { return true })
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return controller.StartAll(groupCtx, reconcilers...) })
	group.Go(func() error {
		if err := server.ListenAndServe(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("taking statistics: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		for {
			select {
			case message := <-stats:
				record(message, collector, scaler)
			case <-groupCtx.Done():
				server.Shutdown(2 * time.Second)
				return nil
			}
		}
	})
	return group.Wait()
}

func record(message asmetrics.StatMessage, collector *asmetrics.MetricCollector, scaler *scaling.MultiScaler) {
	if message.Stat.Timestamp == 0 {
		message.Stat.Timestamp = time.Now().Unix()
	}
	collector.Record(message.Key, time.Unix(message.Stat.Timestamp, 0), message.Stat)
	scaler.Poke(message.Key, message.Stat)
}

func networkConfig(ctx context.Context) (*netcfg.Config, error) {
	configMap, err := kubeclient.Get(ctx).CoreV1().ConfigMaps(system.Namespace()).Get(ctx, netcfg.ConfigMapName, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the network config: %w", err)
	}
	return netcfg.NewConfigFromMap(configMap.Data)
}
