package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"

	"kserve-torchserve.dev/sandbox/knative/routing"
)

type onlyOld struct{ server http.Handler }

func (b onlyOld) serving(backend v1alpha1.IngressBackend) (http.Handler, bool) {
	return b.server, backend.ServiceName == "digits-old"
}

func canary() *liveRoutes {
	split := func(revision string, percent int) v1alpha1.IngressBackendSplit {
		return v1alpha1.IngressBackendSplit{
			IngressBackend: v1alpha1.IngressBackend{ServiceNamespace: "team", ServiceName: revision}, Percent: percent,
			AppendHeaders: map[string]string{"Knative-Serving-Revision": revision},
		}
	}
	routes := &liveRoutes{}
	routes.current.Store(routing.NewTable([]*v1alpha1.Ingress{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "digits"},
		Spec: v1alpha1.IngressSpec{Rules: []v1alpha1.IngressRule{{
			Hosts: []string{"digits.team.example.com"},
			HTTP: &v1alpha1.HTTPIngressRuleValue{Paths: []v1alpha1.HTTPIngressPath{{
				Splits: []v1alpha1.IngressBackendSplit{split("digits-new", 20), split("digits-old", 80)},
			}}},
		}}},
	}}))
	return routes
}

func ask(l *listener, host string) (int, map[string]string) {
	request := httptest.NewRequest(http.MethodPost, "/v1/models/digits:predict", nil)
	request.Host = host
	response := httptest.NewRecorder()
	l.ServeHTTP(response, request)
	body := map[string]string{}
	_ = json.Unmarshal(response.Body.Bytes(), &body)
	return response.Code, body
}

func TestAnUnknownHostIsNotFoundAndIsNamed(t *testing.T) {
	status, body := ask(newListener(canary(), noBackends{}), "other.example.com")
	if status != http.StatusNotFound || body["error"] == "" {
		t.Errorf("got %d %v", status, body)
	}
}

func TestWithoutAModelServerTheAnswerNamesTheRevisionThatTheSplitPicked(t *testing.T) {
	l := newListener(canary(), noBackends{})
	for roll, revision := range map[int]string{0: "digits-new", 19: "digits-new", 20: "digits-old", 99: "digits-old"} {
		l.roll = func() int { return roll }
		status, body := ask(l, "digits.team.example.com")
		if status != http.StatusServiceUnavailable || body["revision"] != revision || body["namespace"] != "team" {
			t.Errorf("roll %d: got %d %v, want revision %s", roll, status, body, revision)
		}
	}
}

func TestAModelServerGetsTheRequestWithTheHeadersOfItsSplit(t *testing.T) {
	var seen string
	l := newListener(canary(), onlyOld{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Get("Knative-Serving-Revision")
		w.WriteHeader(http.StatusTeapot)
	})})
	l.roll = func() int { return 50 }
	if status, _ := ask(l, "digits.team.example.com"); status != http.StatusTeapot || seen != "digits-old" {
		t.Errorf("got %d and the header %q", status, seen)
	}
}

func TestNothingIsAnsweredBeforeTheRoutesAreRead(t *testing.T) {
	if status, _ := ask(newListener(&liveRoutes{}, noBackends{}), "digits.team.example.com"); status != http.StatusServiceUnavailable {
		t.Errorf("got %d", status)
	}
}
