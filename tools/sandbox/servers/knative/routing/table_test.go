package routing

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func split(revision string, percent int) v1alpha1.IngressBackendSplit {
	return v1alpha1.IngressBackendSplit{
		IngressBackend: v1alpha1.IngressBackend{ServiceNamespace: "team", ServiceName: revision},
		Percent:        percent,
	}
}

func path(prefix string, splits ...v1alpha1.IngressBackendSplit) v1alpha1.HTTPIngressPath {
	return v1alpha1.HTTPIngressPath{Path: prefix, Splits: splits}
}

func ingress(name string, age time.Duration, host string, paths ...v1alpha1.HTTPIngressPath) *v1alpha1.Ingress {
	return &v1alpha1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, CreationTimestamp: metav1.NewTime(epoch.Add(-age))},
		Spec: v1alpha1.IngressSpec{Rules: []v1alpha1.IngressRule{{
			Hosts: []string{host}, HTTP: &v1alpha1.HTTPIngressRuleValue{Paths: paths},
		}}},
	}
}

func revisionOf(t *testing.T, table *Table, host, path string, headers http.Header) string {
	t.Helper()
	route, found := table.Find(host, path, headers)
	if !found {
		return ""
	}
	return route.Pick(0).ServiceName
}

func TestOnlyKnownHostsAndPathsAreRouted(t *testing.T) {
	table := NewTable([]*v1alpha1.Ingress{ingress("digits", 0, "digits.team.example.com", path("/v1", split("digits-1", 100)))})
	for request, revision := range map[[2]string]string{
		{"digits.team.example.com", "/v1"}:           "digits-1",
		{"digits.team.example.com:8080", "/v1/x"}:    "digits-1",
		{"DIGITS.team.Example.com", "/v1/models"}:    "digits-1",
		{"digits.team.example.com", "/v10"}:          "digits-1",
		{"digits.team.example.com", "/"}:             "",
		{"other.team.example.com", "/v1"}:            "",
		{"127.0.0.1:8080", "/v1"}:                    "",
		{"x.digits.team.example.com", "/v1/models"}:  "",
		{"digits.team.example.com.evil.com", "/v1/"}: "",
	} {
		if found := revisionOf(t, table, request[0], request[1], nil); found != revision {
			t.Errorf("%s%s goes to %q, want %q", request[0], request[1], found, revision)
		}
	}
}

func TestEachSplitGetsExactlyItsPercent(t *testing.T) {
	for _, percents := range [][]int{{0, 100}, {1, 99}, {20, 80}, {100, 0}, {10, 20, 70}, {50, 0, 50}} {
		var route Route
		for i, percent := range percents {
			route.Splits = append(route.Splits, split(fmt.Sprint("revision-", i), percent))
		}
		hits := make([]int, len(percents))
		for roll := range 100 {
			for i, each := range route.Splits {
				if each.ServiceName == route.Pick(roll).ServiceName {
					hits[i]++
				}
			}
		}
		if !slices.Equal(hits, percents) {
			t.Errorf("of 100 requests the splits of %v percent got %v", percents, hits)
		}
	}
}

func TestASingleSplitMayLeaveItsPercentOut(t *testing.T) {
	route := Route{Splits: []v1alpha1.IngressBackendSplit{split("only", 0)}}
	if route.Pick(99).ServiceName != "only" {
		t.Error("a single split must get every request")
	}
}

func TestTheMostSpecificMatchWins(t *testing.T) {
	tagged := path("", split("canary", 100))
	tagged.Headers = map[string]v1alpha1.HeaderMatch{"Knative-Serving-Tag": {Exact: "latest"}}
	table := NewTable([]*v1alpha1.Ingress{
		ingress("digits", 0, "digits.example.com", path("", split("main", 100)), tagged, path("/deep", split("deep", 100))),
	})
	header := http.Header{"Knative-Serving-Tag": {"latest"}}
	for _, c := range []struct {
		path     string
		headers  http.Header
		revision string
	}{
		{"/", nil, "main"}, {"/", header, "canary"}, {"/deep/er", header, "deep"},
		{"/", http.Header{"Knative-Serving-Tag": {"prev"}}, "main"},
	} {
		if found := revisionOf(t, table, "digits.example.com", c.path, c.headers); found != c.revision {
			t.Errorf("%s with %v goes to %q, want %q", c.path, c.headers, found, c.revision)
		}
	}
}

func TestTheOlderIngressKeepsAHostThatTwoClaim(t *testing.T) {
	young := ingress("young", time.Minute, "digits.example.com", path("", split("young", 100)))
	old := ingress("old", time.Hour, "digits.example.com", path("", split("old", 100)))
	for _, order := range [][]*v1alpha1.Ingress{{young, old}, {old, young}} {
		if found := revisionOf(t, NewTable(order), "digits.example.com", "/", nil); found != "old" {
			t.Errorf("the host went to %q", found)
		}
	}
}

func TestRulesWithoutASplitRouteNothing(t *testing.T) {
	table := NewTable([]*v1alpha1.Ingress{ingress("empty", 0, "empty.example.com", path(""))})
	if _, found := table.Find("empty.example.com", "/", nil); found {
		t.Error("a path without splits must not be found")
	}
}
