// Package registry moves images between a registry and the local store: pull,
// push, tags, login and logout. It is the only importer of ggcr's
// pkg/v1/remote; the engine calls it and nothing else does.
//
// # How a pull runs
//
//	reference ──▶ endpoints: the mirrors of its registry, then the registry itself
//	                 │  (the next one is asked when one fails, and that is said)
//	                 ▼
//	session: ping, credentials, bearer token         (transport and authn of ggcr)
//	                 ▼
//	manifest or index ──▶ the platform's manifest ──▶ configuration
//	                 ▼                                 all of it bounded and verified
//	store.Fetch: layers, several at once; blob.go resumes each stream by range
//	requests where it broke, the store hashes, unpacks and publishes
//
// # The invariant
//
// No byte that a registry sent is used before it is bounded and, wherever a
// digest is known, verified: a manifest before it is parsed, a configuration
// before it is parsed, a layer before the store publishes it. The one thing
// taken on trust is which manifest a tag points at, and only from hosts that
// the reference or the user's configuration names.
//
// What a registry says never widens where a request may go: credentials are
// sent to the registry's own host and its token server alone, plain http is
// spoken only where policy.go allows it, and a redirect from a public registry
// into a private network is refused.
package registry
