// The environment of the mutation tests: one failure kills a mutant, and jest alone runs the rest of the file.
const StrykerEnvironment = require('@stryker-mutator/jest-runner/jest-env/node');

module.exports = class extends StrykerEnvironment {
  handleTestEvent(event) {
    if (event.name === 'test_done' && event.test.errors.length > 0) this.hasFailed = true;
    if (event.name === 'test_start' && this.hasFailed) event.test.mode = 'skip';
  }
};
