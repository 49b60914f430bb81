-- The roles stay, like those of 001: they belong to the cluster, and other databases may use them.

do $$ begin null; end $$;
