'use strict';

// What infra/params.js has to know of the command that runs. A deployment may ask AWS with the credentials that osls deploys with.

class Deployment {
  constructor(serverless) {
    this.serverless = serverless;
    this.configurationVariablesSources = { deployment: { resolve: async () => ({ value: await this.describe() }) } };
  }

  async describe() {
    const provider = this.serverless.getProvider('aws');
    const [command, kind] = this.serverless.processedInput.commands;
    const place = { stack: provider.naming.getStackName(), region: provider.getRegion() };
    if (command !== 'deploy' || kind === 'list') return { ...place, command };
    try {
      const { credentials } = await provider.getAwsSdkV3Config();
      return { ...place, command, credentials: await credentials() };
    } catch ({ message }) {
      return { ...place, failure: message };
    }
  }
}

module.exports = Deployment;
