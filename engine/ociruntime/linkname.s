// This file is empty: it lets fork.go declare functions without a body, which
// the linker finds in the runtime.
