package main

import (
	"fmt"
	"net/http"
	"time"
)

// Clean endpoints of services that are not quiet: what moves in the background is no fault of theirs.

func init() {
	echo := func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, r.URL) }

	register(Case{Name: "clean/sawtooth-echo", Category: "background", Environment: "sawtooth", Handler: echo})
	register(Case{Name: "clean/sawtooth-users-1000", Category: "background", Environment: "sawtooth",
		Path: "/clean/sawtooth-users-1000/{random:1,1000}", Handler: newUserRecords(1000, 1024).serve})
	register(Case{Name: "clean/sawtooth-slow-30ms", Category: "background", Environment: "sawtooth",
		Handler: waitFor(30 * time.Millisecond)})

	register(Case{Name: "clean/breathing-echo", Category: "background", Environment: "breathing", Handler: echo})
	register(Case{Name: "clean/breathing-barrier-20", Category: "background", Environment: "breathing",
		Handler: newConvoy(20, 256).serve})
	register(Case{Name: "clean/breathing-fan-out", Category: "background", Environment: "breathing",
		Handler: fanOut(4, -1)})

	register(Case{Name: "clean/busy-echo", Category: "busy", Environment: "busy", Handler: echo})
	register(Case{Name: "clean/busy-lru-500", Category: "busy", Environment: "busy", Path: "/clean/busy-lru-500?key={n}",
		Handler: newLRU(500, 512).serve})
	register(Case{Name: "clean/busy-async-job-1s", Category: "busy", Environment: "busy",
		Handler: (&asyncJobs{bound: 1000, duration: time.Second}).serve})

	register(Case{Name: "clean/bigheap-echo", Category: "big heap", Environment: "bigheap", Handler: echo})
	register(Case{Name: "clean/bigheap-garbage-64k", Category: "big heap", Environment: "bigheap",
		Handler: dropBlocks(4, 16*kibibyte)})
	register(Case{Name: "clean/bigheap-pool-64k", Category: "big heap", Environment: "bigheap",
		Handler: usePool(64*kibibyte, 1)})

	register(Case{Name: "clean/drift-echo", Category: "background", Environment: "drift", Handler: echo})
	register(Case{Name: "clean/drift-slow-30ms", Category: "background", Environment: "drift",
		Handler: waitFor(30 * time.Millisecond)})
	register(Case{Name: "clean/drift-lru-500", Category: "background", Environment: "drift", Path: "/clean/drift-lru-500?key={uuid}",
		Handler: newLRU(500, 1024).serve})

	register(Case{Name: "clean/flush-echo", Category: "background", Environment: "flush", Handler: echo})
	register(Case{Name: "clean/flush-batch-64", Category: "background", Environment: "flush",
		Handler: (&fullBatch{limit: 64, size: 256}).serve})
}
