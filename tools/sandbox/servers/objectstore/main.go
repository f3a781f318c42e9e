// Command objectstore is a Google Cloud Storage of this machine: fake-gcs-server behind a thin layer that adds what it leaves out.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	address := flag.String("listen-address", "127.0.0.1:4443", "The address of the JSON API.")
	folder := flag.String("folder", "", "Where buckets and objects are kept.")
	flag.Parse()
	if *folder == "" {
		log.Fatal("-folder is missing")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	store, err := newStore(*folder, *address, os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: *address, Handler: store, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
