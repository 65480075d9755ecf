// Command recorder runs leaks of every kind and prints the stacks that real Go profiles give them, as JSON.
//
//	go run . > ../stacks.json
package main

import (
	"cmp"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"
)

const runs = 20

type frame struct {
	function, file string
	line           int
}

// table numbers frames from 1, so that 0 is none.
type frameTable map[frame]int

func (t frameTable) number(f frame) int {
	if t[f] == 0 {
		t[f] = len(t) + 1
	}
	return t[f]
}

func (t frameTable) rows() [][3]any {
	rows := make([][3]any, len(t)+1)
	for f, n := range t {
		rows[n] = [3]any{f.function, f.file, f.line}
	}
	return rows
}

var table = frameTable{}

type site struct {
	Kind      string `json:"kind"`
	Objects   int64  `json:"objects"`
	Bytes     int64  `json:"bytes"`
	State     string `json:"state,omitempty"`
	CreatedBy int    `json:"created_by,omitempty"`
	Stack     []int  `json:"stack"`
}

var (
	backend, service, silent string
	current                  func()
	accepted                 []net.Conn
)

func main() {
	runtime.MemProfileRate = 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 100_000))
	}))
	backend = server.URL
	service = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { current() })).URL
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	silent = l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted = append(accepted, conn)
		}
	}()
	mutex.Lock()
	rw.Lock()
	group.Add(1)
	sem.TryAcquire(1)
	out := map[string][]site{}
	for name, leak := range scenarios {
		leak(0)
		out[name] = record(leak)
	}
	encoder := json.NewEncoder(os.Stdout)
	_ = encoder.Encode(map[string]any{"go": runtime.Version(), "runs": runs, "frames": table.rows(), "leaks": out})
}

func record(leak func(int)) []site {
	before := snapshot()
	runtime.MemProfileRate = 1
	for n := 1; n <= runs; n++ {
		serve(leak, n)
	}
	runtime.MemProfileRate = 0 // our own book-keeping is not of interest
	time.Sleep(200 * time.Millisecond)
	after := snapshot()
	var grown []site
	for key, s := range after {
		s.Objects -= before[key].Objects
		s.Bytes -= before[key].Bytes
		if s.Objects >= runs/2 {
			grown = append(grown, s)
		}
	}
	slices.SortFunc(grown, func(a, b site) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Bytes, a.Bytes)) })
	return grown
}

// serve calls leak from a handler, so that the stacks have the frames of an HTTP server at their root.
func serve(leak func(int), n int) {
	current = func() { leak(n) }
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 200 * time.Millisecond}
	if resp, err := client.Get(service); err == nil {
		resp.Body.Close()
	}
}

func snapshot() map[string]site {
	for range 4 {
		runtime.GC()
	}
	sites := map[string]site{}
	records := make([]runtime.MemProfileRecord, 100_000)
	n, _ := runtime.MemProfile(records, false)
	for _, r := range records[:n] {
		add(sites, site{Kind: "heap", Objects: r.InUseObjects(), Bytes: r.InUseBytes(), Stack: numbers(frames(r.Stack(), true))})
	}
	var dump strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&dump, 2)
	states := parseDump(dump.String())
	stacks := make([]runtime.StackRecord, 10_000)
	n, _ = runtime.GoroutineProfile(stacks)
	for _, r := range stacks[:n] {
		stack := frames(r.Stack(), false)
		known := states[visible(stack)]
		s := site{Kind: "goroutine", Objects: 1, State: known.state, Stack: numbers(stack)}
		if known.creator.function != "" {
			s.CreatedBy = table.number(known.creator)
		}
		add(sites, s)
	}
	return sites
}

func numbers(stack []frame) []int {
	numbered := make([]int, len(stack))
	for i, f := range stack {
		numbered[i] = table.number(f)
	}
	return numbered
}

func add(sites map[string]site, s site) {
	key, _ := json.Marshal([]any{s.Kind, s.Stack, s.State, s.CreatedBy})
	old := sites[string(key)]
	s.Objects += old.Objects
	s.Bytes += old.Bytes
	sites[string(key)] = s
}

// frames resolves program counters as runtime/pprof does: without goexit and, for heap, without the runtime at the leaf.
func frames(pcs []uintptr, hideRuntime bool) []frame {
	var all []frame
	if len(pcs) == 0 {
		return all
	}
	iter := runtime.CallersFrames(pcs)
	for {
		f, more := iter.Next()
		hidden := hideRuntime && (strings.HasPrefix(f.Function, "runtime.") || strings.HasPrefix(f.Function, "internal/runtime/"))
		if f.Function != "" && f.Function != "runtime.goexit" && !hidden {
			hideRuntime = false
			all = append(all, frame{f.Function, clean(f.File), f.Line})
		}
		if !more && len(all) == 0 && hideRuntime {
			return frames(pcs, false)
		}
		if !more {
			return all
		}
	}
}

var moduleCache, ownSource = regexp.MustCompile(`^.*/pkg/mod/`), regexp.MustCompile(`^.*/recorder/`)

func clean(file string) string {
	file = moduleCache.ReplaceAllString(file, "/home/dev/go/pkg/mod/")
	return ownSource.ReplaceAllString(file, "/home/dev/recorder/")
}

var location = regexp.MustCompile(`^\t(.*):(\d+)`)

var goroutine = regexp.MustCompile(`(?s)goroutine \d+ \[([^\],]+)[^\]]*\]:\n(.*?)(?:\n\n|\z)`)

type parked struct {
	state   string
	creator frame
}

func parseDump(dump string) map[string]parked {
	found := map[string]parked{}
	for _, m := range goroutine.FindAllStringSubmatch(dump, -1) {
		var functions []string
		var creator frame
		for _, line := range strings.Split(m[2], "\n") {
			if rest, ok := strings.CutPrefix(line, "created by "); ok {
				creator.function, _, _ = strings.Cut(rest, " in goroutine")
			} else if place := location.FindStringSubmatch(line); place != nil && creator.function != "" {
				creator.file = clean(place[1])
				creator.line, _ = strconv.Atoi(place[2])
			} else if !strings.HasPrefix(line, "\t") && line != "" {
				functions = append(functions, line[:strings.LastIndexByte(line, '(')])
			}
		}
		found[strings.Join(functions, ";")] = parked{m[1], creator}
	}
	return found
}

func visible(stack []frame) string {
	var names []string
	for _, f := range stack {
		name := f.function
		exported := strings.HasPrefix(name, "runtime.") && len(name) > 8 && name[8] >= 'A' && name[8] <= 'Z'
		if !strings.HasPrefix(name, "runtime.") || exported {
			names = append(names, name)
		}
	}
	return strings.Join(names, ";")
}
