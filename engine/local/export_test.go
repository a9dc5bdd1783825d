package local

// Root and Run are where an engine keeps its state.
func (e *Engine) Root() string { return e.root }
func (e *Engine) Run() string  { return e.run }
