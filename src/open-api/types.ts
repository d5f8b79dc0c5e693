import type { OpenAPIObject } from '@nestjs/swagger';

/** The parts of a document; the library does not export their types by themselves. */
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

/** What stands above a document. */
export interface About {
  title: string;
  /** In Markdown. */
  description: string;
}

/** A door that says of itself what cannot be read off its controllers. */
export interface DescribedDoor {
  about: About;
  tags: readonly Tag[];
  /** What all of its paths begin with. */
  prefix: string;
  paths: Paths;
  components: Components;
}

/** A document as it is served: at `/api/{file}`, with a page of its own. */
export interface ServedDocument {
  /** Under this name it is committed in `docs`, too. */
  file: string;
  /** Path of the page that shows it in Swagger UI. */
  page: string;
  /** What it is called where one of several is chosen. */
  name: string;
  document: OpenAPIObject;
}

export const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
export type Method = (typeof METHODS)[number];

export const schemaRef = (name: string): Reference => ({ $ref: `#/components/schemas/${name}` });

/** Every operation of a document, in its order. */
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
