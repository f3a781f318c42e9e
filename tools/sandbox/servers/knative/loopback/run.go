// Package loopback runs Knative's controllers and webhooks on one machine beside other processes.
//
// It follows sharedmain.MainWithConfig (knative.dev/pkg/injection/sharedmain) with these differences, none of which that function
// can be asked for: the webhook listens on the loopback address only (the original takes a port and listens everywhere), there is no
// profiling or health server (their ports are fixed or open to all), and there is no leader election, whose lease would
// outlive a killed process and keep the next one waiting for half a minute.
package loopback

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	secretinformer "knative.dev/pkg/injection/clients/namespacedkube/informers/core/v1/secret"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/logging"
	k8sruntime "knative.dev/pkg/observability/runtime/k8s"
	"knative.dev/pkg/system"
	"knative.dev/pkg/webhook"
	certresources "knative.dev/pkg/webhook/certificates/resources"
)

// Run starts the controllers, and serves those that are webhooks, until ctx is done or one of them fails.
func Run(ctx context.Context, component string, cfg *rest.Config, ctors ...injection.ControllerConstructor) error {
	cfg.QPS = float32(len(ctors)) * rest.DefaultQPS
	cfg.Burst = len(ctors) * rest.DefaultBurst
	ctx, startInformers := injection.EnableInjectionOrDie(ctx, cfg)

	logger, level := sharedmain.SetupLoggerOrDie(ctx, component)
	defer func() { _ = logger.Sync() }()
	ctx = logging.WithLogger(ctx, logger)
	rest.SetDefaultWarningHandler(&logging.WarningHandler{Logger: logger})

	sharedmain.CheckK8sClientMinimumVersionOrDie(ctx, logger)
	configMaps := sharedmain.SetupConfigMapWatchOrDie(ctx, logger)
	unserved := k8sruntime.NewProfilingServer(logger)
	meters, traces := sharedmain.SetupObservabilityOrDie(ctx, component, logger, unserved)
	defer func() {
		// A fresh context: the one given is done by now.
		flushCtx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := errors.Join(meters.Shutdown(flushCtx), traces.Shutdown(flushCtx)); err != nil {
			logger.Errorw("Error flushing metrics and traces", zap.Error(err))
		}
	}()

	controllers, webhooks := sharedmain.ControllersAndWebhooksFromCtors(ctx, configMaps, ctors...)
	sharedmain.WatchLoggingConfigOrDie(ctx, configMaps, logger, level, component)
	if err := configMaps.Start(ctx.Done()); err != nil {
		return fmt.Errorf("watching config maps: %w", err)
	}

	group, groupCtx := errgroup.WithContext(ctx)
	// Controllers of a webhook wait for nothing but their informers, while its admission waits until all of them have synced.
	synced := func() {}
	if len(webhooks) > 0 {
		admission, err := webhook.New(ctx, webhooks)
		if err != nil {
			return fmt.Errorf("making the webhook: %w", err)
		}
		synced = admission.InformersHaveSynced
		group.Go(func() error { return serve(groupCtx, admission) })
	}
	startInformers()
	synced()
	group.Go(func() error { return controller.StartAll(groupCtx, controllers...) })
	return group.Wait()
}

func serve(ctx context.Context, admission *webhook.Webhook) error {
	secrets := secretinformer.Get(ctx).Lister().Secrets(system.Namespace())
	server := &http.Server{
		Addr:              fmt.Sprintf("127.0.0.1:%d", admission.Options.Port),
		Handler:           admission,
		ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS13,
			// Read at each handshake: the certificates controller writes the secret after the start and renews it.
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				secret, err := secrets.Get(admission.Options.SecretName)
				if err != nil {
					return nil, err
				}
				pair, err := tls.X509KeyPair(secret.Data[certresources.ServerCert], secret.Data[certresources.ServerKey])
				return &pair, err
			},
		},
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServeTLS("", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
