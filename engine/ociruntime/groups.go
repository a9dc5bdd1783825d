package ociruntime

// join adds groups of a container's own choice (--group-add) to an account:
// numbers, or names of the group database below root.
func (a *account) join(root int, groups []string) error {
	if len(groups) == 0 {
		return nil
	}
	text, err := readDatabase(root, "/etc/group")
	if err != nil {
		return err
	}
	gids := make([]uint32, 0, len(groups))
	for _, g := range groups {
		gid, err := findGroup(text, g)
		if err != nil {
			return err
		}
		gids = append(gids, gid)
	}
	a.groups = groupList(a.gid, a.groups, gids)
	return nil
}
