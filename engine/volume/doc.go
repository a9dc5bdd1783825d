// Package volume keeps named volumes: directories that outlive the containers
// that mount them. It knows nothing of containers; who uses a volume is the
// caller's to say.
//
// # State on disk
//
//	volumes/<name>/volume.json   what the volume is; without it there is none
//	volumes/<name>/_data/        what containers see
//	volumes/<name>/_fill/        content on its way into _data, complete
//	volumes/<name>/_fill.tmp/    content that is being copied
//
// # First use
//
// A volume that is empty when a container is made with it takes what the image
// holds at that place (Fill). The content is copied beside the volume first,
// and the rename of _fill.tmp to _fill says that it is complete. Only then does
// it move into _data, entry by entry, because another container may have the
// empty directory mounted already and is to see it, too:
//
//	copy to _fill.tmp    killed here: the next Fill deletes it and begins anew
//	rename to _fill
//	move into _data      killed here: the next Hold or Settle goes on moving
//	remove _fill
//
// So no half of a copy is ever taken for the whole. Everything that changes a
// volume happens under its lock; a Hold keeps the locks of all volumes of one
// container until that container is on record, so that none can be removed
// under it, and two containers cannot fill one volume at once.
//
// The invariant: nothing here follows a link, be it of an image or of a
// container that writes to the volume; entries are moved and copied by the
// descriptors of their directories.
package volume
