export { withdrawPostgres as default } from './shared-postgres.ts';
