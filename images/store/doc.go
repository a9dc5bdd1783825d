// Package store keeps images on disk: compressed blobs in an OCI image layout,
// unpacked layers beside them, names in index.json, leases of what work in
// flight needs, and the garbage collection of the rest. The registry client,
// archives and builds fill it; the engine reads it. It knows nothing of
// containers: what they need reaches it as a callback.
//
// # On disk
//
//	ROOT/oci-layout, ROOT/index.json   an OCI image layout that other tools can read
//	ROOT/blobs/sha256/<hex>            manifests, configurations, compressed layers
//	ROOT/ingest/<hex>                  blobs that are still arriving, flock'ed by their writer
//	ROOT/layers/<diffID>/              fs/ index meta.json fixups.json: one unpacked layer
//	ROOT/layers/chain-<chainID>        the same for a layer whose content depends on those
//	                                   below it, or a symbolic link to a <diffID> that was
//	                                   found to be right on this chain as well
//	ROOT/layers/.new-<chainID>/        an unpacking in flight, flock'ed by its process
//	ROOT/trash/                        what was collected and is being deleted
//	RUN/leases/<random>                what work in flight needs, flock'ed by its process
//	RUN/locks/index-images.lock        the lock of index.json
//
// # The life of a blob and of a layer
//
// A process takes a lease, names in it what it is about to need, and only then
// looks whether that is there already. A blob arrives in ingest/, is verified
// against its digest and size and renamed into blobs/. A layer is unpacked into
// layers/.new-*, verified against its diffID, adapted to the layers below it,
// synced together with the other layers of the image by one syncfs(2) and
// renamed into place. The entry in index.json comes last, is durable, and from
// then on protects the image; the lease can go.
//
// # The invariant
//
// Whatever has its final name is complete and verified, and whatever
// index.json, a live lease or a container refers to stays. Collection runs
// under the exclusive index lock and leases grow under the shared one, so
// between "lease it" and "is it there?" nothing can be collected. Who looks
// first and leases afterwards breaks the store.
//
// Locks are taken in the order index, container, image, network; the store
// takes only the first, and holds it while it asks what containers need. A
// process holds at most one unpacking (.new-*) while it waits for arriving
// blobs and waits for nothing while it writes a blob, so two processes that
// pull overlapping images cannot wait for each other.
//
// An image costs one syncfs(2) and four fsync(2), however many files it has:
// index.json, its folder, blobs/sha256 and layers.
//
// # What is verified when
//
// Manifests and configurations are small: every read hashes them (a few
// microseconds) and is bounded to 4 MiB. Layer blobs are hashed when they
// arrive and again by whoever unpacks, saves or pushes them; a list never
// reads them. Finding one image among a hundred takes 0.6 ms, listing them
// 0.1 ms for each the first time and 0.7 ms for all once they are known. Unpacked layers are trusted: their folder is 0700.
package store
