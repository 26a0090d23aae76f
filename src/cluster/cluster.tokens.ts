/** Injection tokens for the parts of a node. Their classes as tokens would load code that only Postgres needs. */
export const CLUSTER_NODE = Symbol('ClusterNode');
export const CLUSTER_OPERATIONS = Symbol('ClusterOperations');
