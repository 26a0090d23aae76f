# The service on the image's own Node, as a user without rights.
#
#   docker build -t frontrunner .
#   docker run --rm frontrunner node dist/main.js --help        # what can be set
#
# It listens to whoever reaches the container, and so doesn't start without API keys (or ALLOW_ANONYMOUS=true said out loud).
# npm run keys makes their file; the user node (1000) must be able to read it (docs/guide/docker.md):
#
#   docker run -p 127.0.0.1:3000:3000 -v "$PWD/keys.json:/run/secrets/api-keys:ro" -e API_KEYS_FILE=/run/secrets/api-keys \
#     -v frontrunner:/app/data frontrunner                       # one node; runs are in the volume
#   docker run … -e DATABASE_URL=postgres://… frontrunner        # several nodes: see compose.yaml

# Development brings its Node by packages/runtime (docs/adr/0001), which stays out: the image has its own.
FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# What exports telemetry where OTEL_* asks for it.
COPY packages/otlp packages/otlp
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/otlp packages/otlp
RUN npm ci --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM node:26-slim
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /app
# Where runs are kept by default, for a volume.
RUN mkdir data && chown node:node data
COPY package.json ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY bin bin
COPY ui ui
USER node
EXPOSE 3000
# Not /health/ready: a node whose database is away goes on by itself, and an orchestrator must not end it for that.
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Without npm or a shell between, so that SIGTERM reaches it. It takes up to SHUTDOWN_GRACE (30s) to stop: docker stop -t 40
CMD ["node", "dist/main.js"]
