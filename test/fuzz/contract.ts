import { z } from 'zod';

/** The part of JSON Schema that zod writes into the OpenAPI document. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly pattern?: string;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
}

interface Content {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value?: unknown }>>;
}

export interface Parameter extends Content {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly required?: boolean;
}

export interface Operation {
  /** As in a request, `GET` for example. */
  readonly method: string;
  /** With the names of parameters in braces. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'method' | 'path'>>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Operation['responses'];
  };
}

/** What an OpenAPI document promises. */
export class Contract {
  readonly operations: readonly Operation[];
  private readonly validators = new Map<Schema, z.ZodType>();

  constructor(private readonly document: Document) {
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({
        ...operation,
        responses: this.inFull(operation.responses),
        method: method.toUpperCase(),
        path,
      })),
    );
  }

  /** Responses with what they refer to. */
  private inFull(responses: Operation['responses']): Operation['responses'] {
    const shared = this.document.components.responses;
    return Object.fromEntries(
      Object.entries(responses).map(([status, response]) => {
        const name = (response as { $ref?: string }).$ref?.split('/').at(-1);
        return [status, name === undefined ? response : shared[name]!];
      }),
    );
  }

  /** What a request asks for: HEAD is GET, and the router minds neither case nor the last slash. */
  operation(method: string, path: string): Operation | undefined {
    return this.operations.find(
      (operation) =>
        operation.method === (method === 'HEAD' ? 'GET' : method) && patternOf(operation.path).test(path),
    );
  }

  /** The values of the parameters in a path that some operation answers to. */
  parameters(path: string): Record<string, string> {
    const operation = this.operations.find((operation) => patternOf(operation.path).test(path));
    return { ...(operation && patternOf(operation.path).exec(path)?.groups) };
  }

  /** A schema with what it refers to, one level deep. */
  resolve(schema: Schema): Schema {
    const name = schema.$ref?.split('/').at(-1);
    return name === undefined ? schema : { ...this.document.components.schemas[name] };
  }

  /** What is wrong with a value by a schema; undefined when nothing is. */
  mistake(schema: Schema, value: unknown): string | undefined {
    let validator = this.validators.get(schema);
    if (!validator) {
      const text = JSON.stringify({ $defs: this.document.components.schemas, ...schema });
      const local = JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')) as Parameters<
        typeof z.fromJSONSchema
      >[0];
      validator = z.fromJSONSchema(local);
      this.validators.set(schema, validator);
    }
    const { error } = validator.safeParse(value);
    return error && z.prettifyError(error);
  }
}

const patterns = new Map<string, RegExp>();

function patternOf(template: string): RegExp {
  let pattern = patterns.get(template);
  if (!pattern) {
    const source = template.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
    pattern = new RegExp(`^${source}/?$`, 'i');
    patterns.set(template, pattern);
  }
  return pattern;
}
