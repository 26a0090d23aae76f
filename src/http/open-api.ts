import type * as Swagger from '@nestjs/swagger';

type Description = MethodDecorator & ClassDecorator;
type Names = { [Name in keyof typeof Swagger]: (typeof Swagger)[Name] extends Describe ? Name : never };
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- of any options
type Describe = (...options: any[]) => MethodDecorator;

const descriptions: ((swagger: typeof Swagger) => void)[] = [];

/** A decorator of `@nestjs/swagger` that {@link describeOperations} applies later: only the document needs the package. */
function later<Name extends Names[keyof Names]>(name: Name) {
  return (...options: Parameters<(typeof Swagger)[Name]>): Description =>
    (...target: unknown[]) => {
      descriptions.push((swagger) => {
        (swagger[name] as (...options: unknown[]) => (...target: unknown[]) => void)(...options)(...target);
      });
    };
}

export const ApiAcceptedResponse = later('ApiAcceptedResponse');
export const ApiBody = later('ApiBody');
export const ApiConsumes = later('ApiConsumes');
export const ApiExcludeEndpoint = later('ApiExcludeEndpoint');
export const ApiHeader = later('ApiHeader');
export const ApiNoContentResponse = later('ApiNoContentResponse');
export const ApiOkResponse = later('ApiOkResponse');
export const ApiOperation = later('ApiOperation');
export const ApiParam = later('ApiParam');
export const ApiQuery = later('ApiQuery');
export const ApiResponse = later('ApiResponse');
export const ApiSecurity = later('ApiSecurity');
export const ApiTags = later('ApiTags');

/** Tells `@nestjs/swagger` how the operations are described. */
export function describeOperations(swagger: typeof Swagger): void {
  for (const describe of descriptions.splice(0)) describe(swagger);
}
