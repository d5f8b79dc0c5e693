/**
 * The script of each page. Its `script` tag names the document, relative to the script.
 *
 * Keys are not kept after the page closes, because browser storage is not safe for them. The filter box of Swagger
 * UI finds only tags, and is case-sensitive. This one also finds operations, and expands the results.
 */
export const SWAGGER_UI_SCRIPT = `const { dataset, src } = document.currentScript;

const findOperations = (system) => ({
  fn: {
    opsFilter(tags, phrase) {
      const wanted = phrase.trim().toLowerCase();
      const isFound = (text) => text.toLowerCase().includes(wanted);
      return tags
        .map((tag, name) =>
          isFound(name)
            ? tag
            : tag.update('operations', (operations) =>
                operations.filter((one) =>
                  [one.get('method') + ' ' + one.get('path'), one.getIn(['operation', 'summary']) ?? ''].some(isFound),
                ),
              ),
        )
        .filter((tag) => tag.get('operations').size > 0);
    },
  },
  statePlugins: {
    layout: {
      wrapSelectors: {
        isShown: (isShown) => (state, key, byDefault) => {
          const isFiltered = typeof state.get('filter') === 'string' && state.get('filter') !== '';
          return isShown(key, byDefault || (isFiltered && key[0] === 'operations-tag'));
        },
      },
    },
  },
  components: {
    FilterContainer: ({ layoutActions, layoutSelectors }) => {
      const phrase = layoutSelectors.currentFilter();
      return system.React.createElement(
        'div',
        { className: 'filter wrapper' },
        system.React.createElement('input', {
          className: 'operation-filter-input',
          type: 'search',
          placeholder: 'Filter by path, summary or tag',
          'aria-label': 'Filter by path, summary or tag',
          value: typeof phrase === 'string' ? phrase : '',
          onChange: (event) => layoutActions.updateFilter(event.target.value),
        }),
      );
    },
  },
});

window.onload = () => {
  SwaggerUIBundle({
    url: new URL(dataset.document, src).href,
    dom_id: '#swagger-ui',
    deepLinking: true,
    docExpansion: 'none',
    defaultModelsExpandDepth: 0,
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
    plugins: [findOperations],
  });
};
`;
