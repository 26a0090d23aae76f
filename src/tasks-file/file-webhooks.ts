import { z } from 'zod';
import type { DeclaredWebhook } from '../core/task.js';
import type { WebhookMeans } from '../core/webhook-means.js';
import { taskWebhookSchema, webhookFields, webhookSecretSchema } from '../core/webhook.schema.js';
import { declaredWebhook } from '../tasks/declared-webhooks.js';
import { declarationFlaws } from '../tasks/webhook-flaws.js';
import { hasVariableOrigin, urlTemplate, variablesOfUrl, writtenUrl } from '../upstreams/environment-url.js';
import type { Environment } from '../upstreams/template-text.js';

const urlSchema = z
  .string()
  .max(2_000)
  .superRefine((text, context) => {
    try {
      const { variables } = urlTemplate(text);
      if (variables.length > 0)
        context.addIssue(
          `has {${variables.join()}}, but the input stands in no URL of a webhook; take it out`,
        );
    } catch (error) {
      context.addIssue((error as Error).message);
    }
  })
  .meta({
    description:
      'Where events are sent with POST. ${NAME} is an environment variable: as it is in the host and port or at the very beginning, percent-encoded behind; its value is never shown.',
    examples: ['https://hooks.example.com/frontrunner', '${HOOK_URL}'],
  });

const VARIABLE = /^\$\{([A-Za-z_]\w*)\}$/;

const secretSchema = z
  .string()
  .refine((text) => VARIABLE.test(text) || webhookSecretSchema.safeParse(text).success, {
    error: 'takes an environment variable such as ${HOOK_SECRET}, or whsec_ and 24 to 64 bytes in base64',
  })
  .meta({
    description:
      'What deliveries are signed with (Standard Webhooks): an environment variable. Default: the secret of the service, WEBHOOK_SECRET.',
    examples: ['${HOOK_SECRET}'],
  });

/** A webhook for all runs of a task, as a file declares it. */
export const fileWebhookSchema = taskWebhookSchema
  .extend({ url: urlSchema, secret: secretSchema.optional() })
  .meta({
    id: 'Webhook',
    description: 'Where events of each run of the task are sent.',
    examples: [{ url: '${HOOK_URL}', events: ['run.finished'], secret: '${HOOK_SECRET}' }],
  });

type FileWebhook = z.infer<typeof fileWebhookSchema>;

/** A problem of a webhook's member in this environment. No message has a value. */
interface Issue {
  readonly member: 'url' | 'secret';
  readonly message: string;
}

/**
 * Turns a webhook of a file into one that the service can use, or returns its problems.
 *
 * @param means undefined when the service isn't known
 */
export function webhookIn(
  environment: Environment,
  { url: written, secret, ...others }: FileWebhook,
  means?: WebhookMeans,
): { readonly webhook?: DeclaredWebhook; readonly issues: readonly Issue[] } {
  const variables = variablesOfUrl(written);
  const [, name] = VARIABLE.exec(secret ?? '') ?? [];
  const issues: Issue[] = [
    ...variables.flatMap((variable) => unset('url', variable, environment)),
    ...(name === undefined ? [] : unset('secret', name, environment)),
  ];
  if (issues.length > 0) return { issues };
  const url = variables.length > 0 ? urlOf(written, environment) : written;
  if (url === undefined)
    return { issues: [{ member: 'url', message: `is no URL with the value of ${variables.join(' and ')}` }] };
  const value = name === undefined ? secret : environment[name];
  if (name !== undefined && !webhookSecretSchema.safeParse(value).success)
    return {
      issues: [
        {
          member: 'secret',
          message: `is no secret with the value of ${name}; it takes whsec_ and 24 to 64 bytes in base64`,
        },
      ],
    };
  const webhook = declaredWebhook(
    { ...others, url, ...(value !== undefined && { secret: value }) },
    variables.length > 0 ? writtenUrl(written) : undefined,
  );
  const flaws = means ? declarationFlaws(webhook, means) : [];
  const hidden = hasVariableOrigin(written);
  return {
    webhook,
    issues: flaws.map(({ member, detail }) => ({
      member,
      message: hidden && member === 'url' ? misled(variables) : detail,
    })),
  };
}

function unset(member: Issue['member'], name: string, environment: Environment): Issue[] {
  if (environment[name]) return [];
  return [{ member, message: `takes the environment variable ${name}, which is not set; set it` }];
}

function urlOf(written: string, environment: Environment): string | undefined {
  try {
    const template = urlTemplate(written, (name) => environment[name] ?? '');
    const url = template.origin + template.target({});
    return template.variables.length === 0 && webhookFields.url.safeParse(url).success ? url : undefined;
  } catch {
    return undefined;
  }
}

function misled(variables: readonly string[]): string {
  return `leads to no origin that WEBHOOK_ORIGINS allows, with the value of ${variables.join(' and ')}; write allowPrivate: true beside it if it is meant`;
}
