import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** The flat configuration, under the name that `eslint -c .eslintrc.js` and .vscode/settings.json point to. */
export default tseslint.config(
  {
    ignores: [
      'dist/',
      'packages/*/dist/',
      'packages/*/ui/',
      'test/consumers/',
      '.dependency-cruiser.cjs',
      'coverage/',
      'node_modules/',
      'bench/results/',
      'ui/vendor/',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Nest's options are classes that are meant to be given as literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Nest's modules are classes that only their decorators fill.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.controller.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Decorator > CallExpression[callee.name=/^(Body|Query)$/] > ObjectExpression',
          message: 'Nest 11 knows no schemas, and nothing checks them: use @ValidBody() or @ValidQuery().',
        },
      ],
    },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
    },
  },
  {
    files: ['src/**/*.spec.ts', 'test/{contract,e2e}/**/*.spec.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'Program > ExpressionStatement > CallExpression[callee.name=/^(before|after)(Each|All)$/]',
          message:
            'Many specs make one suite, so this would be called for all of them: put it into a describe().',
        },
        {
          selector:
            'CallExpression[callee.property.name=/^(mock|doMock|unstable_mockModule)$/][callee.object.name=jest]',
          message:
            'Many specs make one suite, and others may have imported the module before: inject what it uses.',
        },
      ],
    },
  },
  { files: ['bench/**'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.js', '**/*.cjs', '**/*.mjs'],
    languageOptions: {
      globals: {
        ...{ process: 'readonly', console: 'readonly', fetch: 'readonly' },
        ...{ URL: 'readonly', URLSearchParams: 'readonly' },
      },
    },
  },
  {
    files: ['ui/**/*.js'],
    // The types of the page tell of names that don't exist.
    rules: { 'no-undef': 'off' },
  },
  prettier,
);
