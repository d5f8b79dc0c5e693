import type { OpenAPIObject } from '@nestjs/swagger';

/** The library does not export the types of these parts. */
export type Components = NonNullable<OpenAPIObject['components']>;
export type Paths = OpenAPIObject['paths'];
export type PathItem = Paths[string];
export type Operation = NonNullable<PathItem['get']>;
export type Responses = Operation['responses'];
export type Tag = NonNullable<OpenAPIObject['tags']>[number];

type Inline<T> = Exclude<NonNullable<T>, Reference>;
export type Reference = { $ref: string };
export type Schema = NonNullable<Components['schemas']>[string];
export type SchemaObject = Inline<Schema>;
export type Parameter = Inline<NonNullable<Components['parameters']>[string]>;
export type Header = Inline<NonNullable<Components['headers']>[string]>;
export type Response = Inline<NonNullable<Components['responses']>[string]>;
export type Content = NonNullable<Response['content']>;

/** Title and introduction of a document. */
export interface About {
  title: string;
  /** In Markdown. */
  description: string;
}

/** An API whose documentation cannot be generated from its controllers. */
export interface DescribedDoor {
  about: About;
  tags: readonly Tag[];
  /** Prefix of all its paths. */
  prefix: string;
  paths: Paths;
  components: Components;
}

/** A document that is served at `/api/{file}` and on its own page. */
export interface ServedDocument {
  /** Also the file name in `docs`. */
  file: string;
  /** Path of the page that shows it in Swagger UI. */
  page: string;
  /** Label of the link to its page. */
  name: string;
  document: OpenAPIObject;
}

export const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
export type Method = (typeof METHODS)[number];

export const schemaRef = (name: string): Reference => ({ $ref: `#/components/schemas/${name}` });

/** Every operation of a document, in document order. */
export function operationsOf(
  document: Pick<OpenAPIObject, 'paths'>,
): { path: string; method: Method; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation ? [{ path, method, operation }] : [];
    }),
  );
}
