package main

import "context"

// resizer is a worker that runs in the background and takes jobs from a channel.
type resizer struct {
	jobs    chan string
	results chan string
}

func startResizer() *resizer {
	r := &resizer{jobs: make(chan string), results: make(chan string)}
	go r.run()
	return r
}

// run works until jobs is closed: that is the only way out of this loop.
func (r *resizer) run() {
	for job := range r.jobs {
		r.results <- job + " resized"
	}
}

func (r *resizer) resize(job string) string {
	r.jobs <- job
	return <-r.results
}

// leakWorker starts a worker for its one job, and never tells it that no more
// will come.
func leakWorker(context.Context) (string, error) {
	return startResizer().resize("photo.png"), nil
}

// fixedWorker ends the worker's loop when the job is done.
func fixedWorker(context.Context) (string, error) {
	r := startResizer()
	defer close(r.jobs)
	return r.resize("photo.png"), nil
}

func workerCause() cause {
	return cause{
		planted: planted{
			Cause:      "goroutine never ended",
			Leaky:      "GET /leak/worker",
			Fixed:      "GET /fixed/worker",
			Kind:       goroutineLeak,
			Function:   "main.(*resizer).run",
			File:       "worker.go",
			Goroutines: 1,
			Bytes:      840,
			Objects:    5,
			Why:        "the worker ranges over a channel of jobs that nobody closes",
		},
		leak:  leakWorker,
		fixed: fixedWorker,
	}
}
