package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"

	"knative.dev/networking/pkg/apis/networking/v1alpha1"
)

// backends knows what runs behind a revision. A revision's pods are simulated, so a model server has to be found elsewhere.
type backends interface {
	// serving gives what answers for the revision of this namespace, or false where nothing runs.
	serving(backend v1alpha1.IngressBackend) (http.Handler, bool)
}

// noBackends is a sandbox without model servers.
type noBackends struct{}

func (noBackends) serving(v1alpha1.IngressBackend) (http.Handler, bool) { return nil, false }

// readyPath answers for the listener itself; it is under no host that a route can have.
const readyPath = "/_sandbox/ready"

type listener struct {
	routes   *liveRoutes
	backends backends
	// roll gives a number from 0 to 99.
	roll func() int
}

func newListener(routes *liveRoutes, backends backends) *listener {
	return &listener{routes: routes, backends: backends, roll: func() int { return rand.IntN(100) }}
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	table := l.routes.table()
	if r.URL.Path == readyPath {
		if table == nil {
			answer(w, http.StatusServiceUnavailable, map[string]string{"error": "the routes have not been read yet"})
			return
		}
		answer(w, http.StatusOK, map[string]string{"status": "ready"})
		return
	}
	if table == nil {
		answer(w, http.StatusServiceUnavailable, map[string]string{"error": "the routes have not been read yet"})
		return
	}
	route, found := table.Find(r.Host, r.URL.Path, r.Header)
	if !found {
		answer(w, http.StatusNotFound, map[string]string{
			"error": fmt.Sprintf("no service has the host %q; send the host of its URL as the Host header", r.Host),
		})
		return
	}
	split := route.Pick(l.roll())
	server, running := l.backends.serving(split.IngressBackend)
	if !running {
		answer(w, http.StatusServiceUnavailable, map[string]string{
			"error":     "no model server runs behind this revision in the sandbox",
			"namespace": split.ServiceNamespace,
			"revision":  split.ServiceName,
		})
		return
	}
	for _, headers := range []map[string]string{route.AppendHeaders, split.AppendHeaders} {
		for name, value := range headers {
			r.Header.Set(name, value)
		}
	}
	server.ServeHTTP(w, r)
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
