package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"kejitong/config"
)

// telemetry counts requests for Prometheus and traces them with OpenTelemetry
// where a collector is configured. It is served on the internal listener only.
type telemetry struct {
	registry *prometheus.Registry
	duration *prometheus.HistogramVec
	under    prometheus.Gauge
	tracer   trace.Tracer // nil: no collector
	stop     func(context.Context) error
	draining atomic.Bool
}

func newTelemetry(ctx context.Context, c config.Config, a *app) (*telemetry, error) {
	t := &telemetry{
		registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kejitong_http_request_duration_seconds", Help: "Time to answer, by endpoint, method and status.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"endpoint", "method", "status"}),
		under: prometheus.NewGauge(prometheus.GaugeOpts{Name: "kejitong_http_requests_under_way", Help: "Requests being answered."}),
		stop:  func(context.Context) error { return nil },
	}
	t.registry.MustRegister(t.duration, t.under, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "kejitong_password_computations_total", Help: "argon2id computations."},
			func() float64 { return float64(a.hasher.Computations()) }))
	if c.Telemetry.OTLPEndpoint == "" {
		return t, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.Telemetry.OTLPEndpoint))
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Telemetry.SampleRatio))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "kejitong"), attribute.String("service.version", version))),
	)
	t.tracer, t.stop = provider.Tracer("kejitong"), provider.Shutdown
	return t, nil
}

// endpoints bounds the label: what is not one of ours is "other", so that
// nobody can make the provider keep a series for every path he thinks of.
var endpoints = map[string]bool{
	"/oauth2/authorize": true, "/oauth2/token": true, "/oauth2/par": true, "/oauth2/userinfo": true, "/oauth2/introspect": true,
	"/oauth2/revoke": true, "/oauth2/jwks": true, "/oauth2/logout": true, "/.well-known/openid-configuration": true,
	"/.well-known/oauth-authorization-server": true, "/": true, "/login": true, "/login/account": true, "/login/unit": true, "/login/entry": true, "/consent": true,
	"/refused": true, "/logout": true, "/logout/done": true, "/oauth2/register": true,
}

// public wraps the public handler.
func (t *telemetry) public(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path { // for balancers that only see this listener; they say nothing else
		case "/healthz":
			healthy(w)
			return
		}
		began := time.Now()
		t.under.Inc()
		defer t.under.Dec()
		endpoint := "other"
		if endpoints[r.URL.Path] {
			endpoint = r.URL.Path
		}
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		var span trace.Span
		if t.tracer != nil {
			var ctx context.Context
			ctx, span = t.tracer.Start(r.Context(), r.Method+" "+endpoint, trace.WithSpanKind(trace.SpanKindServer))
			r = r.WithContext(ctx)
		}
		defer func() {
			t.duration.WithLabelValues(endpoint, method(r.Method), strconv.Itoa(sw.status)).Observe(time.Since(began).Seconds())
			if span != nil {
				span.SetAttributes(attribute.Int("http.response.status_code", sw.status))
				if sw.status >= 500 {
					span.SetStatus(codes.Error, "")
				}
				span.End()
			}
		}()
		next.ServeHTTP(sw, r)
	})
}

func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodOptions:
		return m
	}
	return "other"
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status and passes it on.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController through.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// internal serves metrics, health and readiness.
func (t *telemetry) internal(a *app) http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /metrics", promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{}))
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { healthy(w) })
	m.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := t.ready(ctx, a); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		healthy(w)
	})
	return m
}

func healthy(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n") // the prober hung up: nothing to do about it
}

func (t *telemetry) ready(ctx context.Context, a *app) error {
	if t.draining.Load() {
		return errors.New("shutting down")
	}
	if a.db.Ping(ctx) != nil {
		return errors.New("the database does not answer")
	}
	return nil
}

// drain makes readiness fail, so that balancers look elsewhere.
func (t *telemetry) drain() { t.draining.Store(true) }

// close sends what is left to the collector.
func (t *telemetry) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return t.stop(ctx)
}
