/** What any HTTP edge says when a request is wrong as such; sentences about single fields are violations. */
export const EDGE_TEXTS = {
  validationError: 'Validation error',
  internalError: 'Internal server error',
  badRequest: 'Bad request',
  badUrl: 'The URL is malformed',
  notFound: 'Not found',
  methodNotAllowed: (allowed: string) => `Method not allowed; use ${allowed}`,
  bodyTooLarge: (bytes: number) => `The request body is larger than ${bytes} bytes`,
  contentType: (types: readonly string[]) => `The request body must be sent as Content-Type: ${types.join(' or ')}`,
  contentEncoding: 'The request body must be sent as it is, without Content-Encoding',
  headersTooLarge: 'The URL and headers of the request are too large: 16 kB are allowed',
  requestTimeout: 'The request took too long to arrive',
  keysLoading: 'The service is starting; try again shortly',
} as const;
