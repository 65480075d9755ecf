// Package lumberjack has what an example uses of gopkg.in/natefinch/lumberjack.v2.
package lumberjack

// Logger writes.
type Logger struct{ Filename string }
