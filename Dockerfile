# One image for all commands: docker run IMAGE agent …, control-plane …, playground -bindAddress 0.0.0.0.
FROM node:26-bookworm-slim AS build
WORKDIR /penstock
COPY . .
RUN npm ci --no-audit --no-fund && node_modules/.bin/node tools/build.ts && npm prune --omit=dev --no-audit --no-fund

FROM node:26-bookworm-slim
ENV NODE_ENV=production UV_THREADPOOL_SIZE=16
WORKDIR /penstock
COPY --from=build /penstock/package.json ./
COPY --from=build /penstock/node_modules ./node_modules
COPY --from=build /penstock/dist ./dist
USER node
EXPOSE 9092 8080 4195 9080
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "/penstock/dist/penstock.mjs"]
CMD ["agent"]
