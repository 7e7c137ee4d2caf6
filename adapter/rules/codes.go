package rules

import "github.com/trimtab/trimtab/internal/verdict"

// The verdicts of the adapter. Verdicts on a rule or on a discovery come once a round, verdicts on a metric once a
// request.
const (
	// RuleExposes: the rule exposes metrics.
	RuleExposes verdict.Code = "RuleExposes"
	// RuleFindsNoSeries: Prometheus holds no series for the rule's seriesQuery.
	RuleFindsNoSeries verdict.Code = "RuleFindsNoSeries"
	// RuleSeriesUnknown: nobody knows what the rule exposes, since its series could not be listed.
	RuleSeriesUnknown verdict.Code = "RuleSeriesUnknown"
	// RuleNamesNothing: no series passes seriesFilters and name.matches.
	RuleNamesNothing verdict.Code = "RuleNamesNothing"
	// RuleMapsNoKind: no label of the series is mapped to a kind of objects.
	RuleMapsNoKind verdict.Code = "RuleMapsNoKind"
	// OverrideMapsNothing: an override names a kind of objects that is not served.
	OverrideMapsNothing verdict.Code = "OverrideMapsNothing"
	// MetricShadowed: two sources claim one metric; the later one has it.
	MetricShadowed verdict.Code = "MetricShadowed"
	// DiscoverySucceeded: the selector's series were listed.
	DiscoverySucceeded verdict.Code = "DiscoverySucceeded"
	// DiscoveryFailed: the selector's series could not be listed; the known series are kept.
	DiscoveryFailed verdict.Code = "DiscoveryFailed"
	// KindsUnavailable: the API server did not say which kinds of objects it serves.
	KindsUnavailable verdict.Code = "KindsUnavailable"

	// MetricServed: the request was answered with a value for each object.
	MetricServed verdict.Code = "MetricServed"
	// MetricPartial: some objects have no value, or Prometheus warned of a partial answer.
	MetricPartial verdict.Code = "MetricPartial"
	// MetricAmbiguous: the request was answered, but the query has several rows for an object.
	MetricAmbiguous verdict.Code = "MetricAmbiguous"
	// MetricUnknown: no rule exposes the metric.
	MetricUnknown verdict.Code = "MetricUnknown"
	// ObjectsUnknown: no object of that kind matches the request.
	ObjectsUnknown verdict.Code = "ObjectsUnknown"
	// ObjectsUnavailable: the objects that match the selector could not be read.
	ObjectsUnavailable verdict.Code = "ObjectsUnavailable"
	// NoSample: the query was answered without a sample for the request.
	NoSample verdict.Code = "NoSample"
	// ValueUnusable: the sample is NaN, infinite or too large for a quantity.
	ValueUnusable verdict.Code = "ValueUnusable"
	// SelectorRefused: the selector cannot be written as PromQL.
	SelectorRefused verdict.Code = "SelectorRefused"
	// QueryImpossible: the rule cannot make a query for that kind of object.
	QueryImpossible verdict.Code = "QueryImpossible"
	// QueryRefused: Prometheus refused the query, or its answer is of the wrong sort.
	QueryRefused verdict.Code = "QueryRefused"
	// PrometheusUnavailable: Prometheus cannot be reached or cannot answer now.
	PrometheusUnavailable verdict.Code = "PrometheusUnavailable"
	// PrometheusSlow: Prometheus did not answer in time.
	PrometheusSlow verdict.Code = "PrometheusSlow"
	// SourceFailed: the part of trimtab that owns the metric could not give its value.
	SourceFailed verdict.Code = "SourceFailed"
	// DelegateFailed: a delegate could not answer.
	DelegateFailed verdict.Code = "DelegateFailed"

	// ConfigurationLoaded: a changed configuration or rule file is in use.
	ConfigurationLoaded verdict.Code = "ConfigurationLoaded"
	// ConfigurationRefused: a changed configuration or rule file is wrong; the one before stays in use.
	ConfigurationRefused verdict.Code = "ConfigurationRefused"
)

// Codes documents every verdict of the adapter.
func Codes() []verdict.CodeDoc {
	return []verdict.CodeDoc{
		{Code: RuleExposes, Meaning: "the rule exposes metrics"},
		{Code: RuleFindsNoSeries, Meaning: "Prometheus holds no series for the rule's seriesQuery, so the rule exposes nothing"},
		{Code: RuleSeriesUnknown, Severity: verdict.Warning, Meaning: "the series of the rule's seriesQuery could not be listed, so that nobody can tell what the rule exposes"},
		{Code: RuleNamesNothing, Meaning: "no series passes the rule's seriesFilters and name.matches, so the rule exposes nothing"},
		{Code: RuleMapsNoKind, Meaning: "no label of the rule's series is tied to a kind of objects by its resources, so the rule exposes nothing"},
		{Code: OverrideMapsNothing, Meaning: "an override of the rule ties labels to kinds of objects that the API server does not serve, so the labels map nothing; a CRD may come later"},
		{Code: MetricShadowed, Meaning: "two sources claim one metric; the later rule, and in it the later series, has it"},
		{Code: DiscoverySucceeded, Meaning: "the series of the selector were listed"},
		{Code: DiscoveryFailed, Severity: verdict.Warning, Meaning: "the series of the selector could not be listed; the metrics known from it are kept"},
		{Code: KindsUnavailable, Severity: verdict.Warning, Meaning: "the API server did not say which kinds of objects it serves; the kinds known before are kept"},
		{Code: MetricServed, Meaning: "the request was answered with a value for each object"},
		{Code: MetricPartial, Meaning: "the request was answered, but not for every object, or Prometheus warned of a partial answer"},
		{Code: MetricAmbiguous, Meaning: "the request was answered, but the query has several rows for an object, of which one is served; aggregate by (<<.GroupBy>>)"},
		{Code: MetricUnknown, Meaning: "no rule exposes the metric"},
		{Code: ObjectsUnknown, Meaning: "no object of that kind matches what was asked"},
		{Code: ObjectsUnavailable, Severity: verdict.Warning, Meaning: "the objects that match the selector could not be read"},
		{Code: NoSample, Meaning: "the query was answered without a sample for what was asked"},
		{Code: ValueUnusable, Meaning: "the sample is NaN, infinite or too large for a quantity, so there is no value"},
		{Code: SelectorRefused, Meaning: "the selector cannot be written as PromQL"},
		{Code: QueryImpossible, Severity: verdict.Warning, Meaning: "the rule cannot make a query for that kind of object"},
		{Code: QueryRefused, Severity: verdict.Warning, Meaning: "Prometheus refused the query, or its answer is of the wrong sort"},
		{Code: PrometheusUnavailable, Severity: verdict.Warning, Meaning: "Prometheus cannot be reached or cannot answer now; no value is given, so that nothing scales on it"},
		{Code: PrometheusSlow, Severity: verdict.Warning, Meaning: "Prometheus did not answer in time; no value is given, so that nothing scales on it"},
		{Code: SourceFailed, Severity: verdict.Warning, Meaning: "the part of trimtab that owns the metric could not tell its value"},
		{Code: DelegateFailed, Severity: verdict.Warning, Meaning: "another metrics server, to which the request or its list was delegated, could not tell"},
		{Code: ConfigurationLoaded, Meaning: "the configuration or the rule file changed, and the new one is in force"},
		{Code: ConfigurationRefused, Severity: verdict.Warning, Meaning: "the configuration or the rule file changed and is wrong; the one before stays in force"},
	}
}
