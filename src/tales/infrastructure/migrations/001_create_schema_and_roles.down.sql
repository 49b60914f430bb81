-- The roles stay: they belong to the cluster, and other databases may use them.

drop schema tales;
