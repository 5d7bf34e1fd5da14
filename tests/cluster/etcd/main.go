// Command etcd is the etcd server. Its own main package lies in a module that cannot be imported
// from elsewhere, because it depends on its siblings by relative path.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
