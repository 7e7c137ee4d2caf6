package story

import (
	"context"
	"embed"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trimtab/trimtab/test/lab"
)

//go:embed manifests
var manifests embed.FS

// Story is the running scene.
type Story struct {
	Lab        *lab.Lab
	Ports      lab.Ports
	Trimtab    *lab.Trimtab
	Prometheus *lab.Prometheus
	// Queue is the real Redis; nil where none could be had, and then its step is left out.
	Queue *redis.Client

	redis    *lab.Redis
	workload string // host:port of the load generator
	tell     *narrator
	// silence ends the telling of Events; nil before it began.
	silence func()
	began   time.Time
	summary summary
}

// Start brings up the cluster, the workload, Prometheus, Redis, and trimtab as deploy/ installs it.
func Start(ctx context.Context, out io.Writer) (s *Story, err error) {
	options := lab.Options{Out: out, HPASyncPeriod: 2 * time.Second, Trimtab: true}
	if _, err := lab.Build(ctx, options); err != nil {
		return nil, err
	}
	s = &Story{began: time.Now(), tell: newNarrator(out)}
	if s.Lab, err = lab.Start(ctx, options); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Lab.Keep()
			s.Stop()
		}
	}()
	s.tell.say("lab", "a real control plane runs; look around with: export KUBECONFIG=%s", s.Lab.Kubeconfig)
	if s.Ports, err = s.Lab.Install(ctx); err != nil {
		return nil, fmt.Errorf("install deploy/: %w", err)
	}
	if err := s.apply(ctx, "web.yaml"); err != nil {
		return nil, err
	}
	if s.workload, err = s.Lab.StartWorkload(ctx, "demo", "app=web"); err != nil {
		return nil, err
	}
	if err := s.Load(ctx, CalmLoad); err != nil {
		return nil, err
	}
	if s.Prometheus, err = s.Lab.StartPrometheus(ctx, s.workload); err != nil {
		return nil, err
	}
	s.startQueue(ctx)
	s.Trimtab, err = s.Lab.StartTrimtab(ctx, s.Ports, Config(s.Ports, s.Prometheus.URL))
	if err != nil {
		return nil, err
	}
	follow, silence := context.WithCancel(ctx)
	followed := make(chan struct{})
	s.silence = func() { silence(); <-followed }
	go func() {
		defer close(followed)
		s.tell.follow(follow, s.Lab.Client)
	}()
	s.tell.say("trimtab", "is ready, as its own process behind the real APIService; its decisions: %s/debug/decisions", s.Trimtab.Debug)
	s.summary.setUp = time.Since(s.began)
	return s, nil
}

// startQueue starts the Redis; without one the demo goes on, and says so.
func (s *Story) startQueue(ctx context.Context) {
	server, err := s.Lab.StartRedis(ctx)
	if err != nil {
		s.tell.say("redis", "left out: %v", err)
		return
	}
	s.redis = server
	s.Queue = redis.NewClient(&redis.Options{Addr: server.Address, Password: server.Password})
}

// Stop ends everything. What fails as its parts end is not told.
func (s *Story) Stop() {
	if s.silence != nil {
		s.silence()
	}
	if s.Queue != nil {
		_ = s.Queue.Close()
	}
	s.Lab.Stop()
}

// Load sets how many requests per second the load generator sends to the web pods.
func (s *Story) Load(ctx context.Context, perSecond int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+s.workload+"/load", strings.NewReader(strconv.Itoa(perSecond)))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("set the load: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("set the load: %s", resp.Status)
	}
	return nil
}

func (s *Story) apply(ctx context.Context, name string) error {
	raw, err := manifests.ReadFile("manifests/" + name)
	if err != nil {
		return err
	}
	text := string(raw)
	if s.redis != nil {
		text = strings.NewReplacer("REDIS_ADDRESS", s.redis.Address, "REDIS_PASSWORD", s.redis.Password).Replace(text)
	}
	return s.Lab.Apply(ctx, text)
}
