package dockerfile

import (
	"slices"
	"strings"
)

// envs is an environment: names in the order in which they were last set. It
// is what buildkit's lexer expands variables from.
type envs struct {
	keys   []string
	values map[string]string
}

func newEnvs() *envs { return &envs{values: map[string]string{}} }

// Get and Keys are buildkit's shell.EnvGetter.
func (e *envs) Get(key string) (string, bool) {
	v, ok := e.values[key]
	return v, ok
}

func (e *envs) Keys() []string { return e.keys }

// set puts a variable last.
func (e *envs) set(key, value string) {
	e.remove(key)
	e.keys = append(e.keys, key)
	e.values[key] = value
}

func (e *envs) remove(key string) {
	if _, ok := e.values[key]; ok {
		delete(e.values, key)
		e.keys = slices.DeleteFunc(e.keys, func(k string) bool { return k == key })
	}
}

func (e *envs) clone() *envs {
	c := &envs{slices.Clone(e.keys), make(map[string]string, len(e.values))}
	for k, v := range e.values {
		c.values[k] = v
	}
	return c
}

// list is the environment as programs get it.
func (e *envs) list() []string {
	l := make([]string, len(e.keys))
	for i, k := range e.keys {
		l[i] = k + "=" + e.values[k]
	}
	return l
}

// setEnv changes a variable of a configuration in its place, as docker does.
func setEnv(env []string, key, value string) []string {
	for i, kv := range env {
		if k, _, _ := strings.Cut(kv, "="); k == key {
			env[i] = key + "=" + value
			return env
		}
	}
	return append(env, key+"="+value)
}

func hasEnv(env []string, key string) bool {
	return slices.ContainsFunc(env, func(kv string) bool { k, _, _ := strings.Cut(kv, "="); return k == key })
}
