// A Pub/Sub server in memory, at the port of its first argument: Google's own server for tests of its clients.
package main

import (
	"log"
	"net"
	"os"

	"cloud.google.com/go/pubsub/pstest"
	pb "google.golang.org/genproto/googleapis/pubsub/v1"
	"google.golang.org/grpc"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fake := pstest.NewServer()
	server := grpc.NewServer(grpc.MaxRecvMsgSize(20 << 20))
	pb.RegisterPublisherServer(server, &fake.GServer)
	pb.RegisterSubscriberServer(server, &fake.GServer)
	log.Fatal(server.Serve(listener))
}
