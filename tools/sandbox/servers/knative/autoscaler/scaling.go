package main

import (
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"
	corev1listers "k8s.io/client-go/listers/core/v1"
	netcfg "knative.dev/networking/pkg/config"
	autoscalingv1alpha1 "knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	"knative.dev/serving/pkg/apis/serving"
	asmetrics "knative.dev/serving/pkg/autoscaler/metrics"
	"knative.dev/serving/pkg/autoscaler/scaling"
	"knative.dev/serving/pkg/metrics"
	"knative.dev/serving/pkg/resources"
)

// The two factories below are those of knative.dev/serving/cmd/autoscaler, which a main package does not export.

func newDecider(pods corev1listers.PodLister, collector asmetrics.MetricClient, meters metric.MeterProvider) scaling.UniScalerFactory {
	return func(decider *scaling.Decider) (scaling.UniScaler, error) {
		configuration := decider.Labels[serving.ConfigurationLabelKey]
		revision := decider.Labels[serving.RevisionLabelKey]
		if configuration == "" || revision == "" {
			return nil, fmt.Errorf("decider %s has no label for its configuration or revision", decider.Name)
		}
		attributes := attribute.NewSet(
			metrics.ConfigurationNameKey.With(configuration),
			metrics.RevisionNameKey.With(revision),
			metrics.ServiceNameKey.With(decider.Labels[serving.ServiceLabelKey]),
			metrics.K8sNamespaceKey.With(decider.Namespace),
		)
		counter := resources.NewPodAccessor(pods, decider.Namespace, revision)
		return scaling.New(attributes, meters, decider.Namespace, decider.Name, collector, counter, &decider.Spec), nil
	}
}

func newScraper(pods corev1listers.PodLister, network *netcfg.Config, meters metric.MeterProvider) asmetrics.StatsScraperFactory {
	return func(metric *autoscalingv1alpha1.Metric, logger *zap.SugaredLogger) (asmetrics.StatsScraper, error) {
		if metric.Spec.ScrapeTarget == "" {
			return nil, nil
		}
		revision := metric.Labels[serving.RevisionLabelKey]
		if revision == "" {
			return nil, fmt.Errorf("metric %s has no label for its revision", metric.Name)
		}
		accessor := resources.NewPodAccessor(pods, metric.Namespace, revision)
		return asmetrics.NewStatsScraper(
			metric, revision, accessor, network.EnableMeshPodAddressability, network.MeshCompatibilityMode, logger, meters,
		), nil
	}
}
