// The programs of all pairs. Each pair requires other versions, so its requirements are in files of its own:
//
//	go build -modfile=ants-ticktock/leaky.mod -o program ./ants-ticktock
//
// Go 1.23 is the first whose timers can be collected before they fire: none of the leaks here depends on that.
module thirdparty

go 1.23
