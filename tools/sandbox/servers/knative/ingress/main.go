// Command ingress implements Knative's Ingress contract on one machine: it makes routes ready and listens for their requests.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/signals"

	"kserve-torchserve.dev/sandbox/knative/loopback"
)

func main() {
	address := flag.String("listen-address", "127.0.0.1:8080", "The address that takes the requests to services.")
	ctx := signals.NewContext()
	cfg := injection.ParseAndGetRESTConfigOrDie()
	routes := &liveRoutes{}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return loopback.Run(groupCtx, "ingress", cfg, func(ctx context.Context, _ configmap.Watcher) *controller.Impl {
			return newController(ctx, routes)
		})
	})
	group.Go(func() error { return listen(groupCtx, *address, routes) })
	if err := group.Wait(); err != nil {
		log.Fatal(err)
	}
}

func listen(ctx context.Context, address string, routes *liveRoutes) error {
	server := &http.Server{Addr: address, Handler: newListener(routes, noBackends{}), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
