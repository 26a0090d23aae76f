export { offerPostgres as default } from './shared-postgres.ts';
