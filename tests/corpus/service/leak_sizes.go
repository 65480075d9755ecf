package main

// What the runtime keeps on the heap, size classes included, as Go 1.26 on 64-bit machines has it. Stacks are not heap.
// Other versions differ by some bytes; tests/corpus/README.md says by how much.
const (
	goroutineBytes = 490 // runtime.g, and its place in the list of all
	waitBytes      = 112 // runtime.sudog, one for each channel or lock that a goroutine waits for
	channelBytes   = 112 // runtime.hchan without a buffer
	sleepBytes     = 116 // the timer of a goroutine in time.Sleep, and its place in the heap of timers
	timerBytes     = 130 // time.Timer, and its place
	tickerBytes    = 266 // time.Ticker or time.After, its channel and that one's buffer, and its place
)

// Bytes per entry of a map whose key and value take so many together. A map is between 7/16 and 7/8 full, so that an entry
// takes 8/7 to 16/7 of its slot and its control byte, 12/7 in the middle. Cases with maps have values so large that it
// makes no difference how full the map is. As a value, struct{} takes 8 bytes.
const (
	slot16 = 12 * 17.0 / 7
	slot24 = 12 * 25.0 / 7
	slot32 = 12 * 33.0 / 7
	slot40 = 12 * 41.0 / 7
)
