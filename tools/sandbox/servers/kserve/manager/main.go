// Command manager is KServe's controller manager, the same as github.com/kserve/kserve/cmd/manager, on the loopback address.
//
// What it runs and registers is copied from there, since a main package cannot be imported and its webhook listens everywhere.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"

	istionetworking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	v1beta1controller "github.com/kserve/kserve/pkg/controller/v1beta1/inferenceservice"
	kservescheme "github.com/kserve/kserve/pkg/scheme"
)

func main() {
	metricsAddress := flag.String("metrics-address", "127.0.0.1:8080", "The address of the metrics.")
	probeAddress := flag.String("health-probe-address", "127.0.0.1:8081", "The address of the health probes.")
	webhookPort := flag.Int("webhook-port", 9443, "The port of the admission webhook, on the loopback address.")
	certificates := flag.String("certificate-folder", "", "The folder with the webhook's tls.crt and tls.key; made if they are missing.")
	certificateOnly := flag.Bool("certificate-only", false, "Make the certificate and end: the webhooks' configuration needs it first.")
	flag.Parse()
	ctrl.SetLogger(zap.New())

	if err := ensureCertificate(*certificates); err != nil {
		log.Fatal(err)
	}
	if *certificateOnly {
		return
	}
	// As in the original: virtual services of other Istio releases may have fields that this one does not know.
	istionetworking.VirtualServiceUnmarshaler.AllowUnknownFields = true
	istionetworking.GatewayUnmarshaler.AllowUnknownFields = true

	err := run(signals.SetupSignalHandler(), manager.Options{
		Metrics:                metricsserver.Options{BindAddress: *metricsAddress},
		HealthProbeBindAddress: *probeAddress,
		WebhookServer:          webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: *webhookPort, CertDir: *certificates}),
	})
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, options manager.Options) error {
	cfg, err := config.GetConfig()
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	clients, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("making the client: %w", err)
	}
	settings, err := readSettings(ctx, clients)
	if err != nil {
		return err
	}
	if options.Cache, err = v1beta1controller.NewCacheOptions(); err != nil {
		return fmt.Errorf("making the cache's options: %w", err)
	}
	mgr, err := manager.New(cfg, options)
	if err != nil {
		return fmt.Errorf("making the manager: %w", err)
	}
	if err := kservescheme.AddAll(mgr.GetScheme()); err != nil {
		return fmt.Errorf("registering the types: %w", err)
	}
	if err := addControllers(mgr, clients, settings); err != nil {
		return err
	}
	if err := addWebhooks(mgr, clients); err != nil {
		return err
	}
	started := func(request *http.Request) error { return mgr.GetWebhookServer().StartedChecker()(request) }
	if err := errors.Join(mgr.AddHealthzCheck("healthz", started), mgr.AddReadyzCheck("readyz", started)); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// settings are the parts of inferenceservice-config that controllers want at their start.
type settings struct {
	deploy  *v1beta1.DeployConfig
	ingress *v1beta1.IngressConfig
}

func readSettings(ctx context.Context, clients kubernetes.Interface) (settings, error) {
	configMap, err := v1beta1.GetInferenceServiceConfigMap(ctx, clients)
	if err != nil {
		return settings{}, fmt.Errorf("reading inferenceservice-config: %w", err)
	}
	deploy, err := v1beta1.NewDeployConfig(configMap)
	if err != nil {
		return settings{}, fmt.Errorf("inferenceservice-config, deploy: %w", err)
	}
	ingress, err := v1beta1.NewIngressConfig(configMap)
	if err != nil {
		return settings{}, fmt.Errorf("inferenceservice-config, ingress: %w", err)
	}
	// Called for what it sets: the list of GPU resource names that the config map may extend.
	if _, err := v1beta1.NewMultiNodeConfig(configMap); err != nil {
		return settings{}, fmt.Errorf("inferenceservice-config, multiNode: %w", err)
	}
	return settings{deploy, ingress}, nil
}

func recorder(mgr manager.Manager, clients kubernetes.Interface, component string) record.EventRecorder {
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: clients.CoreV1().Events("")})
	return broadcaster.NewRecorder(mgr.GetScheme(), corev1.EventSource{Component: component})
}
