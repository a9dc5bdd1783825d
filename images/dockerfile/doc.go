// Package dockerfile reads Dockerfiles and plans what they build: text becomes
// instructions, and instructions with their base images' configurations become
// a plan.Plan with every value known. It runs nothing and reads no file.
//
//	Parse        text -> instructions; mistakes that the text alone shows
//	File.Plan    instructions, options and base images -> plan.Plan
//	File.Check   the same for every stage, for what the linter finds
//
// It is the only package that imports buildkit's parser, whose types do not
// leave it. What the front end docker/dockerfile does with them
// (frontend/dockerfile/dockerfile2llb) is done here likewise, rule by rule,
// because users know its words: what a step is called, what the history says,
// how far ARG reaches. Where this differs, a comment says so.
//
// The invariant: planning is pure. The same text, options and base images give
// the same plan, so that the solver may key its cache with it.
package dockerfile
