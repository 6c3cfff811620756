import ts from "typescript";
import { readFileSync } from "node:fs";
const mode=process.argv[2];
for(const f of process.argv.slice(3)){
 const text=readFileSync(f,"utf8"); const sf=ts.createSourceFile(f,text,ts.ScriptTarget.Latest,true);
 const out:[number,string][]=[];
 const line=(p:number)=>sf.getLineAndCharacterOfPosition(p).line+1;
 if(mode!=="m"){ const seen=new Set<number>(); const add=(r?:ts.CommentRange[])=>{for(const c of r??[])if(!seen.has(c.pos)){seen.add(c.pos);out.push([line(c.pos),text.slice(c.pos,c.end).replace(/\s*\n\s*\*?\s*/g," ")]);}};
  const v=(n:ts.Node)=>{add(ts.getLeadingCommentRanges(text,n.getFullStart()));add(ts.getTrailingCommentRanges(text,n.getEnd()));n.getChildren().forEach(v)};v(sf);}
 if(mode!=="c"){ const v=(n:ts.Node)=>{ if((ts.isStringLiteral(n)||ts.isNoSubstitutionTemplateLiteral(n)||ts.isTemplateExpression(n))&&!ts.isImportDeclaration(n.parent)){const t=n.getText();if(/[a-z] [a-z]/i.test(t))out.push([line(n.getStart()),t.length>400?t.slice(0,400)+"…":t]);} n.forEachChild(v)};v(sf);}
 out.sort((a,b)=>a[0]-b[0]); if(out.length)console.log("## "+f); for(const [l,t] of out)console.log(l+": "+t.replace(/\n/g,"⏎"));
}
