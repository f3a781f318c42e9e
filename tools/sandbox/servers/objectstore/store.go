package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/gorilla/handlers"
)

// newStore makes the whole API: fake-gcs-server keeps and lists objects, the layer does the rest.
//
// The layer keeps a bucket as it was inserted (fake-gcs-server 1.56 forgets all but its name and always answers with one location),
// has its IAM policy (it has none), takes resumable uploads (it takes a question about the progress of one for its end, and keeps
// their bytes in memory), and fails uploads when a test asks for it.
func newStore(folder, address string, requests io.Writer) (http.Handler, error) {
	objects, records, parts := filepath.Join(folder, "objects"), filepath.Join(folder, "buckets"), filepath.Join(folder, "uploads")
	for _, sub := range []string{objects, records, parts} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return nil, err
		}
	}
	if err := removeHalfWritten(objects); err != nil {
		return nil, fmt.Errorf("looking for half-written objects: %w", err)
	}
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		StorageRoot: objects,
		NoListener:  true,
		ExternalURL: "http://" + address,
		PublicHost:  address,
		Writer:      io.Discard,
	})
	if err != nil {
		return nil, err
	}
	buckets := &buckets{folder: records, url: "http://" + address, objects: fake.HTTPHandler()}
	uploads := &uploads{folder: parts, url: "http://" + address, objects: fake.HTTPHandler()}
	faults := &faults{}

	api := http.NewServeMux()
	api.HandleFunc("GET /_sandbox/ready", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, map[string]string{}) })
	api.HandleFunc("GET /_sandbox/faults", faults.get)
	api.HandleFunc("POST /_sandbox/faults", faults.set)
	api.HandleFunc("DELETE /_sandbox/faults", faults.clear)
	api.HandleFunc("GET /storage/v1/b", buckets.list)
	api.HandleFunc("POST /storage/v1/b", buckets.insert)
	api.HandleFunc("GET /storage/v1/b/{bucket}", buckets.get)
	api.HandleFunc("PATCH /storage/v1/b/{bucket}", buckets.patch)
	api.HandleFunc("PUT /storage/v1/b/{bucket}", buckets.update)
	api.HandleFunc("DELETE /storage/v1/b/{bucket}", buckets.remove)
	api.HandleFunc("GET /storage/v1/b/{bucket}/iam", buckets.getPolicy)
	api.HandleFunc("PUT /storage/v1/b/{bucket}/iam", buckets.setPolicy)
	api.HandleFunc("GET /storage/v1/b/{bucket}/iam/testPermissions", buckets.testPermissions)
	api.HandleFunc("POST /upload/storage/v1/b/{bucket}/o", faults.guard(uploads.start))
	api.HandleFunc("PUT /upload/storage/v1/b/{bucket}/o", uploads.resume)
	api.HandleFunc("DELETE /upload/storage/v1/b/{bucket}/o", uploads.cancel)
	return handlers.LoggingHandler(requests, split(api, fake.HTTPHandler())), nil
}

// What the layer answers. All else goes straight to fake-gcs-server, above all objects: ServeMux would redirect names with `//` or `..`.
var layered = regexp.MustCompile(
	`^/(_sandbox/[a-z]+|storage/v1/b(/[^/]+(/iam(/testPermissions)?)?)?|upload/storage/v1/b/[^/]+/o)$`)

func split(api *http.ServeMux, objects http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if layered.MatchString(r.URL.EscapedPath()) {
			api.ServeHTTP(w, r)
			return
		}
		objects.ServeHTTP(w, r)
	})
}
