package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/labels"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	ingressinformer "knative.dev/networking/pkg/client/injection/informers/networking/v1alpha1/ingress"
	ingressreconciler "knative.dev/networking/pkg/client/injection/reconciler/networking/v1alpha1/ingress"
	listers "knative.dev/networking/pkg/client/listers/networking/v1alpha1"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/logging"
	"knative.dev/pkg/reconciler"

	"kserve-torchserve.dev/sandbox/knative/routing"
)

// The class in Knative's config-network that makes an Ingress ours.
const class = "sandbox.ingress.networking.knative.dev"

// liveRoutes is the newest table, shared by the reconciler that makes it and the listener that asks it.
type liveRoutes struct{ current atomic.Pointer[routing.Table] }

func (r *liveRoutes) table() *routing.Table { return r.current.Load() }

type statusReconciler struct {
	ingresses listers.IngressLister
	routes    *liveRoutes
}

var _ ingressreconciler.Interface = (*statusReconciler)(nil)

func newController(ctx context.Context, routes *liveRoutes) *controller.Impl {
	informer := ingressinformer.Get(ctx)
	r := &statusReconciler{ingresses: informer.Lister(), routes: routes}
	ours := reconciler.AnnotationFilterFunc(ingressreconciler.ClassAnnotationKey, class, false)
	impl := ingressreconciler.NewImpl(ctx, r, class, func(*controller.Impl) controller.Options {
		return controller.Options{PromoteFilterFunc: ours}
	})
	_, err := informer.Informer().AddEventHandler(controller.HandleAll(func(object any) {
		// At once and for deletions too, which the reconciler is not told of: a removed route must not answer.
		if err := r.rebuild(); err != nil {
			logging.FromContext(ctx).Errorw("Cannot rebuild the routes", "error", err)
		}
		if ours(object) {
			impl.Enqueue(object)
		}
	}))
	if err != nil {
		logging.FromContext(ctx).Fatalw("Cannot watch ingresses", "error", err)
	}
	// An empty table rather than none, so that the listener answers from the first moment of a cluster without services.
	routes.current.CompareAndSwap(nil, routing.NewTable(nil))
	return impl
}

// ReconcileKind marks an ingress ready once the table that the listener asks has it. Knative's Route waits for that.
func (r *statusReconciler) ReconcileKind(_ context.Context, ingress *v1alpha1.Ingress) reconciler.Event {
	if err := r.rebuild(); err != nil {
		return err
	}
	ingress.Status.InitializeConditions()
	ingress.Status.MarkNetworkConfigured()
	// A name and no address: Knative makes a placeholder Service of type ExternalName of it.
	gateway := []v1alpha1.LoadBalancerIngressStatus{{DomainInternal: "ingress.sandbox.svc.cluster.local"}}
	ingress.Status.MarkLoadBalancerReady(gateway, gateway)
	return nil
}

func (r *statusReconciler) rebuild() error {
	all, err := r.ingresses.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing ingresses: %w", err)
	}
	var ours []*v1alpha1.Ingress
	for _, ingress := range all {
		if ingress.Annotations[ingressreconciler.ClassAnnotationKey] == class && ingress.DeletionTimestamp == nil {
			ours = append(ours, ingress)
		}
	}
	r.routes.current.Store(routing.NewTable(ours))
	return nil
}
