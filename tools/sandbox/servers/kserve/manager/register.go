package main

import (
	"errors"
	"fmt"

	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	graphcontroller "github.com/kserve/kserve/pkg/controller/v1alpha1/inferencegraph"
	trainedmodelcontroller "github.com/kserve/kserve/pkg/controller/v1alpha1/trainedmodel"
	"github.com/kserve/kserve/pkg/controller/v1alpha1/trainedmodel/reconcilers/modelconfig"
	v1beta1controller "github.com/kserve/kserve/pkg/controller/v1beta1/inferenceservice"
	"github.com/kserve/kserve/pkg/webhook/admission/pod"
	"github.com/kserve/kserve/pkg/webhook/admission/servingruntime"
)

func addControllers(mgr manager.Manager, clients *kubernetes.Clientset, settings settings) error {
	services := &v1beta1controller.InferenceServiceReconciler{
		Client:    mgr.GetClient(),
		Clientset: clients,
		Log:       ctrl.Log.WithName("v1beta1Controllers").WithName("InferenceService"),
		Scheme:    mgr.GetScheme(),
		Recorder:  recorder(mgr, clients, "v1beta1Controllers"),
	}
	if err := services.SetupWithManager(mgr, settings.deploy, settings.ingress); err != nil {
		return fmt.Errorf("controller of InferenceService: %w", err)
	}
	models := &trainedmodelcontroller.TrainedModelReconciler{
		Client:                mgr.GetClient(),
		Log:                   ctrl.Log.WithName("v1beta1Controllers").WithName("TrainedModel"),
		Scheme:                mgr.GetScheme(),
		Recorder:              recorder(mgr, clients, "v1beta1Controllers"),
		ModelConfigReconciler: modelconfig.NewModelConfigReconciler(mgr.GetClient(), clients, mgr.GetScheme()),
	}
	if err := models.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("controller of TrainedModel: %w", err)
	}
	graphs := &graphcontroller.InferenceGraphReconciler{
		Client:    mgr.GetClient(),
		Clientset: clients,
		Log:       ctrl.Log.WithName("v1alpha1Controllers").WithName("InferenceGraph"),
		Scheme:    mgr.GetScheme(),
		Recorder:  recorder(mgr, clients, "InferenceGraphController"),
	}
	if err := graphs.SetupWithManager(mgr, settings.deploy); err != nil {
		return fmt.Errorf("controller of InferenceGraph: %w", err)
	}
	return nil
}

func addWebhooks(mgr manager.Manager, clients *kubernetes.Clientset) error {
	server := mgr.GetWebhookServer()
	client, decoder := mgr.GetClient(), admission.NewDecoder(mgr.GetScheme())
	server.Register("/mutate-pods", &webhook.Admission{
		Handler: &pod.Mutator{Client: client, Clientset: clients, Decoder: decoder},
	})
	server.Register("/validate-serving-kserve-io-v1alpha1-clusterservingruntime", &webhook.Admission{
		Handler: &servingruntime.ClusterServingRuntimeValidator{Client: client, Decoder: decoder},
	})
	server.Register("/validate-serving-kserve-io-v1alpha1-servingruntime", &webhook.Admission{
		Handler: &servingruntime.ServingRuntimeValidator{Client: client, Decoder: decoder},
	})
	return errors.Join(
		ctrl.NewWebhookManagedBy(mgr).For(&v1alpha1.TrainedModel{}).WithValidator(&v1alpha1.TrainedModelValidator{}).Complete(),
		ctrl.NewWebhookManagedBy(mgr).For(&v1alpha1.InferenceGraph{}).WithValidator(&v1alpha1.InferenceGraphValidator{}).Complete(),
		ctrl.NewWebhookManagedBy(mgr).For(&v1beta1.InferenceService{}).
			WithDefaulter(&v1beta1.InferenceServiceDefaulter{}).
			WithValidator(&v1beta1.InferenceServiceValidator{}).
			Complete(),
	)
}
