package volume

// SetCheckpoint puts f at the places between which a kill must do no harm.
func SetCheckpoint(f func(string)) (undo func()) {
	old := checkpoint
	checkpoint = f
	return func() { checkpoint = old }
}
