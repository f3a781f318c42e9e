// Package routing tells which revision a request goes to, from Knative's Ingress objects alone.
//
// The rules are those of the type's documentation (knative.dev/networking/pkg/apis/networking/v1alpha1.IngressSpec).
package routing

import (
	"cmp"
	"net"
	"net/http"
	"slices"
	"strings"

	"knative.dev/networking/pkg/apis/networking/v1alpha1"
)

// Table is one state of all routes. It is never changed once made.
type Table struct {
	byHost map[string][]Route
}

// Route is what a host serves under a path, to requests with given headers.
type Route struct {
	// Ingress is the namespace and name of the object it comes from.
	Ingress string
	// Path is a literal prefix, not one by segments: /v1 holds for /v10 too.
	Path    string
	Headers map[string]string
	// Splits share the traffic; their percents add up to 100.
	Splits []v1alpha1.IngressBackendSplit
	// AppendHeaders are set on the request, before those of the split.
	AppendHeaders map[string]string
}

// NewTable makes a table of ingresses. Where two claim a host, the older one keeps it.
func NewTable(ingresses []*v1alpha1.Ingress) *Table {
	table := &Table{byHost: map[string][]Route{}}
	owner := map[string]string{}
	for _, ingress := range slices.SortedFunc(slices.Values(ingresses), byAge) {
		name := nameOf(ingress)
		for _, rule := range ingress.Spec.Rules {
			if rule.HTTP == nil {
				continue
			}
			for _, host := range rule.Hosts {
				host = strings.ToLower(host)
				if holder, taken := owner[host]; taken && holder != name {
					continue
				}
				owner[host] = name
				table.byHost[host] = append(table.byHost[host], routesOf(name, rule.HTTP.Paths)...)
			}
		}
	}
	for _, routes := range table.byHost {
		slices.SortStableFunc(routes, bySpecificity)
	}
	return table
}

// Find gives the route for a request, or false where no ingress knows its host and path.
func (t *Table) Find(host, path string, headers http.Header) (Route, bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, route := range t.byHost[strings.ToLower(host)] {
		if strings.HasPrefix(path, route.Path) && hasAll(headers, route.Headers) {
			return route, true
		}
	}
	return Route{}, false
}

// Pick gives the split that a roll from 0 to 99 falls into: of 100 different rolls each split gets as many as its percent.
func (r Route) Pick(roll int) v1alpha1.IngressBackendSplit {
	for _, split := range r.Splits {
		percent := split.Percent
		if len(r.Splits) == 1 {
			// A single split may leave its percent out.
			percent = 100
		}
		if roll < percent {
			return split
		}
		roll -= percent
	}
	// Percents below 100 in sum are refused by Knative's admission; the last split is nearest to what was meant.
	return r.Splits[len(r.Splits)-1]
}

func routesOf(ingress string, paths []v1alpha1.HTTPIngressPath) []Route {
	var routes []Route
	for _, path := range paths {
		if len(path.Splits) == 0 {
			continue
		}
		headers := map[string]string{}
		for name, match := range path.Headers {
			headers[name] = match.Exact
		}
		routes = append(routes, Route{
			Ingress: ingress, Path: path.Path, Headers: headers, Splits: path.Splits, AppendHeaders: path.AppendHeaders,
		})
	}
	return routes
}

func hasAll(headers http.Header, wanted map[string]string) bool {
	for name, value := range wanted {
		if headers.Get(name) != value {
			return false
		}
	}
	return true
}

// Of several matches the most specific wins, as Knative's conformance tests ask: longer path first, then more headers.
func bySpecificity(a, b Route) int {
	return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(len(b.Headers), len(a.Headers)))
}

func byAge(a, b *v1alpha1.Ingress) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(nameOf(a), nameOf(b)))
}

func nameOf(ingress *v1alpha1.Ingress) string {
	return ingress.Namespace + "/" + ingress.Name
}
