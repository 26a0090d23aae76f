/** What Nest has the parts of a node under. The classes would load all that only Postgres needs. */
export const CLUSTER_NODE = Symbol('ClusterNode');
export const CLUSTER_OPERATIONS = Symbol('ClusterOperations');
