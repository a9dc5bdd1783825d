package ociruntime

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// mountOptions is the option list of one mount of the spec, sorted by what
// takes it: the mount (attributes), the tree (propagation) or the file system.
type mountOptions struct {
	set, clear  uint64 // MOUNT_ATTR_*
	recursive   bool   // the attributes hold for mounts below as well (rro and friends)
	bind        bool
	rbind       bool
	propagation uint64 // MS_PRIVATE…; 0: private
	propagateR  bool
	subpath     string   // of the source, see engine.SubpathOption
	data        []string // key=value or key, for fsconfig
}

type attrOption struct {
	set, clear uint64
}

// attrOptions are the options that the mount itself takes (runtime-spec,
// config.md, "Linux mount options"). All time options share one field.
var attrOptions = map[string]attrOption{
	"ro":            {set: unix.MOUNT_ATTR_RDONLY},
	"rw":            {clear: unix.MOUNT_ATTR_RDONLY},
	"nosuid":        {set: unix.MOUNT_ATTR_NOSUID},
	"suid":          {clear: unix.MOUNT_ATTR_NOSUID},
	"nodev":         {set: unix.MOUNT_ATTR_NODEV},
	"dev":           {clear: unix.MOUNT_ATTR_NODEV},
	"noexec":        {set: unix.MOUNT_ATTR_NOEXEC},
	"exec":          {clear: unix.MOUNT_ATTR_NOEXEC},
	"nosymfollow":   {set: unix.MOUNT_ATTR_NOSYMFOLLOW},
	"symfollow":     {clear: unix.MOUNT_ATTR_NOSYMFOLLOW},
	"nodiratime":    {set: unix.MOUNT_ATTR_NODIRATIME},
	"diratime":      {clear: unix.MOUNT_ATTR_NODIRATIME},
	"relatime":      {set: unix.MOUNT_ATTR_RELATIME, clear: unix.MOUNT_ATTR__ATIME},
	"noatime":       {set: unix.MOUNT_ATTR_NOATIME, clear: unix.MOUNT_ATTR__ATIME},
	"strictatime":   {set: unix.MOUNT_ATTR_STRICTATIME, clear: unix.MOUNT_ATTR__ATIME},
	"norelatime":    {clear: unix.MOUNT_ATTR__ATIME},
	"nostrictatime": {clear: unix.MOUNT_ATTR__ATIME},
	"atime":         {clear: unix.MOUNT_ATTR__ATIME},
}

var propagationOptions = map[string]uint64{
	"private": unix.MS_PRIVATE, "slave": unix.MS_SLAVE, "shared": unix.MS_SHARED, "unbindable": unix.MS_UNBINDABLE,
}

func parseMountOptions(options []string) (mountOptions, error) {
	var o mountOptions
	for _, opt := range options {
		plain, recursive := strings.TrimPrefix(opt, "r"), strings.HasPrefix(opt, "r")
		switch {
		case opt == "bind":
			o.bind = true
		case opt == "rbind":
			o.bind, o.rbind = true, true
		case propagationOptions[opt] != 0:
			o.propagation = propagationOptions[opt]
		case recursive && propagationOptions[plain] != 0:
			o.propagation, o.propagateR = propagationOptions[plain], true
		case isAttr(opt):
			o.apply(attrOptions[opt])
		case recursive && isAttr(plain):
			o.apply(attrOptions[plain])
			o.recursive = true
		case strings.HasPrefix(opt, engine.SubpathOption):
			o.subpath = opt[len(engine.SubpathOption):]
		case opt == "defaults" || opt == "async" || opt == "":
		case opt == "tmpcopyup" || opt == "idmap" || opt == "ridmap" || opt == "remount":
			return o, fmt.Errorf("mount option %s: %w by this runtime", opt, engine.ErrUnsupported)
		default:
			o.data = append(o.data, opt)
		}
	}
	return o, nil
}

func isAttr(name string) bool {
	_, ok := attrOptions[name]
	return ok
}

// apply lets the later of two contrary options win.
func (o *mountOptions) apply(a attrOption) {
	o.set = o.set&^a.clear | a.set
	o.clear = o.clear&^a.set | a.clear
}

// propagate is the propagation type to give the mount: what happens in a
// container stays there unless asked for otherwise.
func (o *mountOptions) propagate() (kind uint64, recursive bool) {
	if o.propagation == 0 {
		return unix.MS_PRIVATE, true
	}
	return o.propagation, o.propagateR
}
