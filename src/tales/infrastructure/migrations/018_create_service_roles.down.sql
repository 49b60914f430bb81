-- The roles stay, like those of 001: they belong to the cluster, and other databases may use them.

revoke insert (queue, available_at, worker_id, started_at) on tales.generations from tales_requester;
