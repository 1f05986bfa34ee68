// Holds what the server answers against openapi.yaml: the status, the type of the content, the headers, every field.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { Ajv, type ValidateFunction } from "ajv";
import type { Middleware } from "openapi-fetch";
import { parse } from "yaml";

import type { components } from "./schema.js";

export type Schemas = components["schemas"];

interface Answer {
  content?: Record<string, { schema: object }>;
  headers?: Record<string, { required?: boolean }>;
}

interface Contract {
  paths: Record<string, Record<string, { responses: Record<string, Answer> }>>;
  components: { schemas: Record<string, object> };
}

const contract: Contract = parse(readFileSync("openapi.yaml", "utf8"));

/** Apps ignore fields that they do not know; here, a field that the contract does not have is a fault. */
function close(schema: unknown): void {
  if (typeof schema !== "object" || schema === null) return;
  if ("properties" in schema && !("additionalProperties" in schema)) Object.assign(schema, { additionalProperties: false });
  Object.values(schema).forEach(close);
}
close(contract.components.schemas);

const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?/;
const ajv = new Ajv({
  strict: false,
  allErrors: true,
  formats: {
    "date-time": new RegExp(`${at.source}(Z|[+-]\\d{2}:\\d{2})$`),
    "naive-date": /^\d{4}-\d{2}-\d{2}$/,
    "naive-date-time": new RegExp(`${at.source}$`),
    "naive-time": /^\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/,
    uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    double: true,
    int16: true,
    int32: true,
    int64: true,
    uint16: true,
  },
});
ajv.addSchema({ components: contract.components }, "openapi");
const known = new Map<string, ValidateFunction>();

function validate(schema: object, value: unknown, where: string): void {
  const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/');
  const check = known.get(text) ?? ajv.compile(JSON.parse(text));
  known.set(text, check);
  assert(check(value), `${where} is not what openapi.yaml says: ${ajv.errorsText(check.errors)} in ${JSON.stringify(value)}`);
}

/** Checks a value against a schema by its name. */
export function assertIs<Name extends keyof Schemas>(name: Name, value: unknown): asserts value is Schemas[Name] {
  validate({ $ref: `#/components/schemas/${name}` }, value, name);
}

/** Checks every answer that a client gets. */
export const holdsTheContract: Middleware = {
  async onResponse({ request, response, schemaPath }) {
    const where = `${response.status} of ${request.method} ${schemaPath}`;
    const responses = contract.paths[schemaPath]?.[request.method.toLowerCase()]?.responses ?? {};
    const answer = responses[response.status] ?? (response.status >= 400 ? responses["default"] : undefined);
    assert(answer, `${where} is not in openapi.yaml`);
    for (const [name, header] of Object.entries(answer.headers ?? {})) {
      assert(!header.required || response.headers.has(name), `${where} has no ${name}`);
    }
    const type = response.headers.get("content-type");
    if (!answer.content) {
      assert.equal(await response.clone().text(), "", where);
      return;
    }
    const content = answer.content[type ?? ""];
    assert(content, `${where} is ${type}`);
    if (type?.includes("json")) validate(content.schema, await response.clone().json(), where);
  },
};
